package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Power is cut at a random moment within these after the change of settings
// began, and after an update has come to a phase. How long a boot and an upload
// take is measured.
const (
	cutSettings = 4 * time.Second
	cutPhase    = 8 * time.Second
)

// bench is the power-cut test: a box that lives on from cut to cut, and new
// ones that are cut during their first boot.
type bench struct {
	image, accel, dir string
	k                 *kit
	file              string // an update that is always newer than what runs

	box      *machine
	c        *console
	known    string // the last setting that was acknowledged,
	maybe    string // and one that was under way when the power went
	settings int    // acknowledged in all
	updated  int    // updates that arrived
	fresh    int
	boot     time.Duration // the first one's
	upload   time.Duration // of the last whole file
}

// cuts kills QEMU n times and counts the boots after it.
func cuts(ctx context.Context, image, accel, dir string, n int, r *report) error {
	k, err := newKit(image, dir)
	if err != nil {
		return err
	}
	b := &bench{image: image, accel: accel, dir: dir, k: k}
	// The content is the running one's. It is newer all the same, time and
	// again: what runs has the image's counter.
	if b.file, err = k.sign("again", k.key, k.counter+1); err != nil {
		return err
	}
	if b.box, err = b.machine("box"); err != nil {
		return err
	}
	began := time.Now()
	authority, ok := boot(ctx, b.box, r, "power cuts: first boot", "nvme,serial=meetbox")
	if !ok {
		return nil
	}
	b.boot, b.upload = time.Since(began), time.Since(began)
	defer func() { b.box.cut() }()
	b.c = newConsole(b.box, authority)
	if !r.check("power cuts: claimed", b.c.claim(ctx)) {
		return nil
	}
	begun := time.Now()
	passed := 0
	for i := range n {
		var what string
		var err error
		switch i % 3 {
		case 0:
			what, err = b.duringSettings(ctx)
		case 1:
			what, err = b.duringUpdate(ctx)
		case 2:
			what, err = b.duringFirstBoot(ctx)
		}
		if ctx.Err() != nil {
			break // whoever stopped it wants to know how far it came
		}
		if err != nil {
			r.check(fmt.Sprintf("cut %d of %d, %s", i+1, n, what), err)
			r.keep(b.box)
			return nil // the box is in an unknown state
		}
		passed++
		fmt.Printf("cut  %3d of %d: %s (%s so far)\n", i+1, n, what, time.Since(begun).Round(time.Second))
	}
	r.check(fmt.Sprintf("%d power cuts: each boot came to a meeting that can be joined; %d settings were acknowledged and none was lost; %d updates arrived; %.0f s a cut",
		passed, b.settings, b.updated, time.Since(begun).Seconds()/float64(max(passed, 1))), nil)
	return nil
}

// machine is one with a new disk that shares what it does not change with the
// image. QEMU's own format loses, when QEMU is killed, what the box had not
// asked to be made durable, as a disk with a cache does.
func (b *bench) machine(name string) (*machine, error) {
	m := &machine{dir: filepath.Join(b.dir, name), accel: b.accel, format: "qcow2", settings: []string{"MEETBOX_UPDATE_KEYS=" + b.k.trust}}
	m.disk = filepath.Join(m.dir, "disk.qcow2")
	image, err := filepath.Abs(b.image)
	if err != nil {
		return nil, err
	}
	for _, c := range [][]string{
		{"mkdir", "-p", m.dir},
		{"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, m.disk, fmt.Sprint(int64(diskSize))},
		{"cp", firmware + "OVMF_VARS_4M.fd", filepath.Join(m.dir, "vars.fd")},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", c[0], err, out)
		}
	}
	return m, nil
}

// joinable boots and waits until somebody could join a meeting.
func joinable(ctx context.Context, m *machine) (authority string, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	begun := time.Now()
	if err := m.start("nvme,serial=meetbox"); err != nil {
		return "", 0, err
	}
	if authority, err = m.authority(ctx); err == nil {
		err = m.await(ctx, allWell)
	}
	return authority, time.Since(begun), err
}

// sometime within d; never quite at once.
func sometime(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(d))) + 50*time.Millisecond
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// back boots the box after a cut and looks whether it still knows all.
func (b *bench) back(ctx context.Context) (time.Duration, error) {
	authority, took, err := joinable(ctx, b.box)
	if err != nil {
		return took, err
	}
	b.c.client = trusting(authority)
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	got, err := b.c.names(ctx) // with the session from before the cut
	if err != nil {
		return took, fmt.Errorf("whoever was signed in is not any more: %w", err)
	}
	if got != b.known && (b.maybe == "" || got != b.maybe) {
		return took, fmt.Errorf("the setting is %q; %q was acknowledged, and %q perhaps under way", got, b.known, b.maybe)
	}
	b.known, b.maybe = got, ""
	// A version on trial goes on to be confirmed.
	_, err = b.c.settled(ctx, func(update) bool { return true })
	return took, err
}

// duringSettings cuts while settings are changed, one after the other.
func (b *bench) duringSettings(ctx context.Context) (string, error) {
	after := sometime(cutSettings)
	first := b.settings
	work, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	for work.Err() == nil {
		b.maybe = fmt.Sprintf("cut-%d.example.org", b.settings)
		if err := b.c.setNames(work, b.maybe); err == nil {
			b.known, b.maybe = b.maybe, ""
			b.settings++
		} else if work.Err() == nil {
			return "during settings", err
		}
	}
	b.box.cut()
	took, err := b.back(ctx)
	return fmt.Sprintf("after %.1f s of changing settings, %d of them acknowledged; joinable after %.0f s", after.Seconds(), b.settings-first, took.Seconds()), err
}

// duringUpdate cuts somewhere between the first byte that is sent and the
// confirmed new version; each phase, however short, has its share.
func (b *bench) duringUpdate(ctx context.Context) (string, error) {
	before, err := b.c.update(ctx)
	if err != nil {
		return "before an update", err
	}
	phases := []string{"receiving", "writing", "restarting", "trial", "confirmed"}
	phase := phases[rand.IntN(len(phases))]
	begun := time.Now()
	work, cancel := context.WithTimeout(ctx, bootTime)
	if phase == "receiving" {
		cancel()
		work, cancel = context.WithTimeout(ctx, sometime(b.upload))
	}
	defer cancel()
	err = b.c.upload(work, b.file)
	switch {
	case err != nil && work.Err() == nil:
		return "at the begin of an update", err
	case err == nil:
		b.upload = time.Since(begun)
		if phase, err = b.reach(work, phase, before.Slot); err != nil {
			return "during an update", err
		}
		pause(ctx, sometime(cutPhase))
	}
	after := time.Since(begun)
	b.box.cut()
	took, err := b.back(ctx)
	if err != nil {
		return fmt.Sprintf("after %.1f s of an update (%s)", after.Seconds(), phase), err
	}
	now, err := b.c.update(ctx)
	if now.Slot != before.Slot {
		b.updated++
	}
	return fmt.Sprintf("after %.1f s of an update (%s); joinable after %.0f s, in slot %s, before it was %s", after.Seconds(), phase, took.Seconds(), now.Slot, before.Slot), err
}

// reach waits until an update has come to a phase, or past it, and returns
// where it is. A box that does not answer restarts.
func (b *bench) reach(ctx context.Context, phase, slot string) (string, error) {
	order := []string{"receiving", "writing", "restarting", "trial", "confirmed"}
	tick := time.NewTicker(lookEvery / 2)
	defer tick.Stop()
	for {
		now := "restarting"
		if u, err := b.c.update(ctx); err == nil {
			now = u.Phase
			if now == "idle" {
				if u.Slot == slot {
					return now, fmt.Errorf("the update ended: %+v", u.Last)
				}
				now = "confirmed"
			}
		}
		if slices.Index(order, now) >= slices.Index(order, phase) {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// duringFirstBoot cuts a new box while it starts for the first time.
func (b *bench) duringFirstBoot(ctx context.Context) (string, error) {
	b.fresh++
	m, err := b.machine(fmt.Sprintf("fresh%d", b.fresh))
	if err != nil {
		return "first boot", err
	}
	defer exec.Command("rm", "-rf", m.dir).Run()
	if err := m.start("nvme,serial=meetbox"); err != nil {
		return "first boot", err
	}
	after := sometime(b.boot)
	pause(ctx, after)
	m.cut()
	what := fmt.Sprintf("%.1f s into a first boot", after.Seconds())
	authority, took, err := joinable(ctx, m)
	if err == nil {
		// It can be claimed: its state is whole.
		c := newConsole(m, authority)
		err = c.ask(ctx, http.MethodGet, "/api/v1/setup", nil, nil)
	}
	m.cut()
	return fmt.Sprintf("%s; joinable after %.0f s", what, took.Seconds()), err
}
