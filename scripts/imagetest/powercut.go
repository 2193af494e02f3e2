package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
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
	cutPhase    = 6 * time.Second
	// One boot in so many, of those that follow a cut, is itself cut.
	cutAgain = 3
	// A box that did not come back is replaced by a new one so often.
	maxBroken = 5
)

// bench is the power-cut test: a box that lives on from cut to cut, each of
// whose boots shows what the cut before it left, and new ones that are cut
// during their first boots.
type bench struct {
	image, accel, dir string
	k                 *kit
	file              string // an update that is always newer than what runs
	r                 *report
	begun             time.Time

	box       *machine
	c         *console
	authority string
	known     string // the last setting that was acknowledged,
	maybe     string // and one that was under way when the power went
	boxes     int
	boot      time.Duration // the last one's, until it could be joined
	upload    time.Duration // of the last whole file

	want, cuts, joined, lost, settings, updated, broken int
}

// errLost is an acknowledged setting that is gone.
var errLost = errors.New("an acknowledged setting is lost")

// cuts kills QEMU n times, at random moments of a box's life, and looks after
// each whether the box can still be used.
func cuts(ctx context.Context, image, accel, dir string, n int, r *report) error {
	k, err := newKit(image, dir)
	if err != nil {
		return err
	}
	b := &bench{image: image, accel: accel, dir: dir, k: k, r: r, want: n, begun: time.Now()}
	// The content is the running one's. It is newer all the same, time and
	// again: what runs has the image's counter.
	if b.file, err = k.sign("again", k.key, k.counter+1); err != nil {
		return err
	}
	defer func() { os.Remove(b.file) }()
	if !b.another(ctx) {
		return nil
	}
	defer func() { b.box.cut() }()
	var deck []string
	for b.cuts < n && ctx.Err() == nil {
		if len(deck) == 0 {
			deck = shuffled()
		}
		if !b.play(ctx, deck[0]) {
			break
		}
		deck = deck[1:]
	}
	b.summary(ctx)
	return nil
}

// shuffled is what is cut, each moment with its share.
func shuffled() []string {
	deck := []string{
		"settings", "settings", "settings", "settings", "first boot", "first boot", "first boot",
		"receiving", "writing", "restarting", "loading", "trial", "confirmed",
	}
	rand.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// play cuts the power at such a moment, and looks. It returns false when there
// is no box left to go on with.
func (b *bench) play(ctx context.Context, what string) bool {
	var err error
	var text string
	before := b.cuts
	switch what {
	case "settings":
		text, err = b.duringSettings(ctx)
	case "first boot":
		text, err = b.duringFirstBoot(ctx)
	default:
		text, err = b.duringUpdate(ctx, what)
	}
	if ctx.Err() != nil {
		b.cuts = before // nobody looked what became of it
		return false
	}
	if err == nil {
		b.joined += b.cuts - before
		fmt.Printf("cut  %3d of %d: %s (%s so far)\n", b.cuts, b.want, text, time.Since(b.begun).Round(time.Second))
		return true
	}
	if errors.Is(err, errLost) {
		b.lost++
	}
	b.broken++
	b.r.check(fmt.Sprintf("cut %d of %d, %s", b.cuts, b.want, text), err)
	b.r.keep(b.box)
	b.box.cut()
	return b.broken < maxBroken && b.another(ctx)
}

func (b *bench) summary(ctx context.Context) {
	took := time.Since(b.begun).Seconds() / float64(max(b.cuts, 1))
	text := fmt.Sprintf("%d power cuts: the boot after each came to a meeting that can be joined; %d settings were acknowledged and none was lost; %d updates arrived; %.0f s a cut",
		b.cuts, b.settings, b.updated, took)
	var err error
	switch {
	case b.broken > 0:
		err = fmt.Errorf("%d times not so", b.broken)
	case b.cuts == 0:
		err = cmp.Or(context.Cause(ctx), errors.New("nothing was cut"))
	}
	b.r.check(text, err)
	fmt.Printf("figure: powercuts_joinable %d of %d\n", b.joined, b.cuts)
	fmt.Printf("figure: powercut_settings_lost %d of %d\n", b.lost, b.settings)
}

// another is a new box, a second one if the first does not come up.
func (b *bench) another(ctx context.Context) bool {
	for range 2 {
		if b.fresh(ctx) {
			return true
		}
	}
	return false
}

// fresh is a new box that somebody has claimed.
func (b *bench) fresh(ctx context.Context) bool {
	var err error
	b.boxes++
	if b.box, err = b.machine(fmt.Sprintf("box%d", b.boxes)); !b.r.check("power cuts: a new disk", err) {
		return false
	}
	began := time.Now()
	authority, ok := boot(ctx, b.box, b.r, "power cuts: first boot", b.box.device)
	if !ok {
		return false
	}
	b.boot = time.Since(began)
	b.upload = cmp.Or(b.upload, b.boot)
	b.authority, b.known, b.maybe = authority, "", ""
	b.c = newConsole(b.box, authority)
	if !b.r.check("power cuts: claimed", b.c.claim(ctx)) {
		b.box.cut()
		return false
	}
	return true
}

// disks are the kinds that boxes have, one after the other.
var disks = []string{"nvme,serial=meetbox", "ide-hd,bus=ide.0"}

// machine is one with a new disk that shares what it does not change with the
// image. QEMU's own format loses, when QEMU is killed, what the box had not
// asked to be made durable, as a disk with a cache does.
func (b *bench) machine(name string) (*machine, error) {
	m := &machine{dir: filepath.Join(b.dir, name), accel: b.accel, format: "qcow2", device: disks[b.boxes%len(disks)], settings: []string{"MEETBOX_UPDATE_KEYS=" + b.k.trust}}
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

// pull cuts the box's power; that counts.
func (b *bench) pull(m *machine) {
	m.cut()
	b.cuts++
}

// whileStarting cuts a boot at a random moment of it.
func (b *bench) whileStarting(ctx context.Context, m *machine) (string, error) {
	if err := m.start(m.device); err != nil {
		return "", err
	}
	after := sometime(b.boot)
	pause(ctx, after)
	b.pull(m)
	return fmt.Sprintf("%.1f s into the boot", after.Seconds()), nil
}

// joinable boots and waits until somebody could join a meeting.
func (b *bench) joinable(ctx context.Context, m *machine) (authority string, err error) {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	begun := time.Now()
	if err := m.start(m.device); err != nil {
		return "", err
	}
	if authority, err = m.authority(ctx); err == nil {
		err = m.await(ctx, allWell)
	}
	if err == nil {
		b.boot = time.Since(begun)
	}
	return authority, err
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

// back boots the box after a cut, now and then only to cut it again, and looks
// whether it still knows all.
func (b *bench) back(ctx context.Context) (string, error) {
	text := ""
	for b.cuts < b.want && rand.IntN(cutAgain) == 0 {
		more, err := b.whileStarting(ctx, b.box)
		if err != nil {
			return text, err
		}
		text += "; cut again " + more
	}
	authority, err := b.joinable(ctx, b.box)
	if err != nil {
		return text, err
	}
	text += fmt.Sprintf("; joinable after %.0f s", b.boot.Seconds())
	if err := same(b.authority, authority); err != nil {
		return text, fmt.Errorf("the box has another authority: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	got, err := b.c.names(ctx) // with the session from before the cut
	if err != nil {
		return text, fmt.Errorf("%w: whoever was signed in is not any more: %w", errLost, err)
	}
	if got != b.known && (b.maybe == "" || got != b.maybe) {
		return text, fmt.Errorf("%w: it is %q; %q was acknowledged, and %q perhaps under way", errLost, got, b.known, b.maybe)
	}
	b.known, b.maybe = got, ""
	// A version on trial goes on to be confirmed.
	_, err = b.c.settled(ctx, func(update) bool { return true })
	return text, err
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
	b.pull(b.box)
	what := fmt.Sprintf("after %.1f s of changing settings, %d of them acknowledged", after.Seconds(), b.settings-first)
	more, err := b.back(ctx)
	return what + more, err
}

// order of what happens in an update.
var order = []string{"receiving", "writing", "restarting", "loading", "trial", "confirmed"}

// duringUpdate cuts at a moment between the first byte that is sent and the
// confirmed new version.
func (b *bench) duringUpdate(ctx context.Context, phase string) (string, error) {
	before, err := b.c.update(ctx)
	if err != nil {
		return "before an update", err
	}
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
		within := cutPhase
		if phase == "loading" { // anywhere between the reset and the first answer
			within = b.boot
		}
		pause(ctx, sometime(within))
	}
	after := time.Since(begun)
	b.pull(b.box)
	what := fmt.Sprintf("after %.1f s of an update (%s)", after.Seconds(), phase)
	more, err := b.back(ctx)
	if err != nil {
		return what + more, err
	}
	now, err := b.c.update(ctx)
	if now.Slot != before.Slot {
		b.updated++
	}
	return fmt.Sprintf("%s%s, in slot %s, before it was %s", what, more, now.Slot, before.Slot), err
}

// reach waits until an update has come to a phase, or past it, and returns
// where it is. A box that does not answer restarts.
func (b *bench) reach(ctx context.Context, phase, slot string) (string, error) {
	tick := time.NewTicker(lookEvery / 2)
	defer tick.Stop()
	for {
		now := "loading"
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

// duringFirstBoot cuts the box while nothing happens, and then a new one while
// it starts for the first time, twice, and looks whether that can be claimed:
// its state is whole.
func (b *bench) duringFirstBoot(ctx context.Context) (string, error) {
	b.pull(b.box)
	what := "at rest; a new box"
	more, err := b.firstBoot(ctx)
	what += more
	if err != nil {
		return what, err
	}
	more, err = b.back(ctx)
	return what + "; the first box" + more, err
}

func (b *bench) firstBoot(ctx context.Context) (string, error) {
	b.boxes++
	m, err := b.machine(fmt.Sprintf("box%d", b.boxes))
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(m.dir)
	what := ""
	for i := 0; i < 2 && b.cuts < b.want; i++ {
		more, err := b.whileStarting(ctx, m)
		if what += ", cut " + more; err != nil {
			return what, err
		}
	}
	authority, err := b.joinable(ctx, m)
	defer m.cut()
	what += fmt.Sprintf("; joinable after %.0f s", b.boot.Seconds())
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, bootTime)
		defer cancel()
		err = newConsole(m, authority).ask(ctx, http.MethodGet, "/api/v1/setup", nil, nil)
	}
	if err != nil {
		b.r.keep(m)
	}
	return what, err
}
