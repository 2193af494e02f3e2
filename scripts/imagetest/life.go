package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	kept       = "kept.example.org" // a name that the box is given
	passphrase = "a bell in the fog, twice"
	trimTime   = 10 * time.Minute // more than the box waits before it looks after its disk
)

// life is what happens to a box in years: its network is changed and forgotten,
// its disk gets full, its state is damaged, its clock's battery ends, it is
// reset in each way, and a backup makes another machine of it.
func life(ctx context.Context, image, accel, dir string, r *report) error {
	m := &machine{dir: dir, accel: accel, disk: filepath.Join(dir, "life.img")}
	if err := m.install(image, 2<<30); err != nil {
		return err
	}
	authority, ok := boot(ctx, m, r, "a box's life: first boot", "nvme,serial=meetbox")
	if !ok {
		r.keep(m)
		return nil
	}
	defer m.cut()
	before := r.failed
	l := &lifetime{m: m, c: newConsole(m, authority), authority: authority, r: r}
	if *pictures != "" && !r.check("pictures are taken", l.pictures(ctx, *pictures)) {
		return nil
	}
	for _, step := range []func(context.Context) bool{l.settle, l.forgetNetwork, l.full, l.damagedState, l.resetKeeping, l.resetAll, l.elsewhere} {
		if !step(ctx) || r.failed > before {
			r.keep(m)
			return nil
		}
	}
	return nil
}

type lifetime struct {
	m         *machine
	c         *console
	authority string
	backup    []byte
	r         *report
}

// again waits for the box after a restart that it made by itself.
func (l *lifetime) again(ctx context.Context, what string) (authority string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	authority, err := l.m.authority(ctx)
	if err == nil {
		err = l.m.await(ctx, allWell)
	}
	return authority, l.r.check(what, err)
}

// boots starts the machine and finds the same box.
func (l *lifetime) boots(ctx context.Context, what string) bool {
	authority, ok := boot(ctx, l.m, l.r, what, "nvme,serial=meetbox")
	return ok && l.r.check(what+": the authority is the same", same(l.authority, authority))
}

// restarts has keys pressed that restart the machine, and waits for the page
// that is gone then.
func (l *lifetime) restarts(ctx context.Context, keys string) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	if err := l.m.press(ctx, keys); err != nil {
		return err
	}
	return l.m.awaitText(ctx, "init: terminated: stopping")
}

// pictures are those of docs/install.md: a new box, its menu, and its console.
func (l *lifetime) pictures(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := l.m.await(ctx, setupCode.MatchString); err != nil {
		return err
	}
	if err := l.m.picture(ctx, filepath.Join(dir, "status-screen.png")); err != nil {
		return err
	}
	if err := l.m.press(ctx, "m"); err != nil {
		return err
	}
	if err := l.m.awaitText(ctx, "MEETBOX: RESCUE"); err != nil {
		return err
	}
	if err := l.m.picture(ctx, filepath.Join(dir, "rescue-menu.png")); err != nil {
		return err
	}
	if err := l.m.press(ctx, "\x1b"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--ignore-certificate-errors", "--lang=en",
		"--window-size=1000,700", "--timeout=60000", "--virtual-time-budget=20000", "--user-data-dir="+filepath.Join(l.m.dir, "browser"),
		"--screenshot="+filepath.Join(dir, "claim.png"), fmt.Sprintf("https://localhost:%d/", l.m.admin)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (l *lifetime) settle(ctx context.Context) bool {
	return l.r.check("claimed with the code from the serial line", l.c.claim(ctx)) &&
		l.r.check("a name is kept", l.c.setNames(ctx, kept)) &&
		l.r.check("the network is set by hand, and confirmed", l.fixed(ctx)) &&
		l.r.check("a backup is made", l.save(ctx)) &&
		l.r.check("a backup is not opened by another passphrase", l.wrong(ctx)) &&
		l.r.check("the disk is told what is free", l.trimmed(ctx))
}

// network is the section, as far as it is looked at.
type network struct {
	Ports []port `json:"ports,omitempty"`
}

type port struct {
	Card string         `json:"card"`
	IPv4 map[string]any `json:"ipv4"`
}

// state is what the network is like.
type netState struct {
	Ports []struct {
		Name, Card string
		Lease      *struct{ Address string }
	}
	Pending *struct{ ID string }
}

// fixed gives the box by hand the address that it has by DHCP: QEMU's forwards
// lead there.
func (l *lifetime) fixed(ctx context.Context) error {
	var s netState
	if err := l.c.ask(ctx, http.MethodGet, "/api/v1/network", nil, &s); err != nil {
		return err
	}
	if len(s.Ports) != 1 || s.Ports[0].Lease == nil {
		return fmt.Errorf("%+v", s)
	}
	n := network{[]port{{s.Ports[0].Card, map[string]any{"mode": "static", "address": s.Ports[0].Lease.Address, "gateway": "10.0.2.2"}}}}
	var p struct{ ID string }
	if err := l.c.ask(ctx, http.MethodPost, "/api/v1/network/propose", n, &p); err != nil {
		return err
	}
	return l.confirm(ctx, p.ID)
}

// confirm keeps a change of the network as soon as it is in force.
func (l *lifetime) confirm(ctx context.Context, id string) error {
	return l.until(ctx, func() error {
		return l.c.ask(ctx, http.MethodPost, "/api/v1/network/confirm", map[string]string{"id": id}, nil)
	})
}

// until asks again and again.
func (l *lifetime) until(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

func (l *lifetime) save(ctx context.Context) error {
	return l.c.ask(ctx, http.MethodPost, "/api/v1/backup", map[string]string{"passphrase": passphrase}, &l.backup)
}

func (l *lifetime) wrong(ctx context.Context) error {
	if err := l.c.ask(ctx, http.MethodPost, "/api/v1/restore", bytes.NewReader(l.backup), nil); err != nil {
		return err
	}
	err := l.c.ask(ctx, http.MethodPut, "/api/v1/restore", map[string]any{"passphrase": "another one altogether", "try": true}, nil)
	if p, ok := errors.AsType[*problem](err); !ok || p.Status != http.StatusUnprocessableEntity {
		return fmt.Errorf("%w, want 422", errors.Join(errors.New("taken"), err))
	}
	return nil
}

func (l *lifetime) trimmed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, trimTime)
	defer cancel()
	return l.until(ctx, func() error {
		var h struct{ Boots struct{ Trimmed time.Time } }
		if err := l.c.ask(ctx, http.MethodGet, "/api/v1/hardware", nil, &h); err != nil {
			return err
		}
		if h.Boots.Trimmed.IsZero() {
			return errors.Join(errors.New("not yet"), ctx.Err())
		}
		return nil
	})
}

// forgetNetwork goes back to DHCP by the keyboard.
func (l *lifetime) forgetNetwork(ctx context.Context) bool {
	if !l.r.check("by the keyboard: back to DHCP, which restarts it", l.restarts(ctx, "m2dhcp\r")) {
		return false
	}
	if _, ok := l.again(ctx, "it is back"); !ok {
		return false
	}
	var n network
	err := l.c.ask(ctx, http.MethodGet, "/api/v1/settings/network", nil, &n)
	if err == nil && len(n.Ports) > 0 {
		err = fmt.Errorf("it is still %+v", n)
	}
	return l.r.check("the network is as on the first day", err) && l.r.check("everything else is as it was", l.still(ctx, kept))
}

// still checks a setting that was acknowledged.
func (l *lifetime) still(ctx context.Context, want string) error {
	got, err := l.c.names(ctx)
	if err == nil && got != want {
		err = fmt.Errorf("the name is %q, want %q", got, want)
	}
	return err
}

// full fills the storage of a box that is off to the last block.
func (l *lifetime) full(ctx context.Context) bool {
	if !l.r.check("by the keyboard: turned off", errors.Join(l.m.press(ctx, "m6off\r"), l.m.off(ctx))) {
		return false
	}
	if !l.r.check("its storage is filled to the last block", fill(l.m.disk)) || !l.boots(ctx, "a full disk") {
		return false
	}
	ok := l.r.check("the screen says that it is full", l.m.await(ctx, func(screen string) bool { return strings.Contains(screen, "The storage is full") }))
	err := l.c.ask(ctx, http.MethodPost, "/api/v1/update", bytes.NewReader(make([]byte, 4096)), nil)
	ok = l.r.check("the console answers", wantCode(err, "bad-file")) && ok
	ok = l.r.check("the pages of meetings are served", pages(ctx, l.m)) && ok
	name := "full.example.org"
	switch err := l.c.setNames(ctx, name); {
	case err == nil: // the file had room inside
		ok = l.r.check("a change that was acknowledged is kept", l.still(ctx, name)) && ok
	case code(err) == "disk-full":
		ok = l.r.check("a change is refused with the reason, and nothing changed", l.still(ctx, kept)) && ok
	default:
		ok = l.r.check("a change is kept or refused with the reason", err)
	}
	return l.r.check("turned off again", errors.Join(l.m.press(ctx, "m6off\r"), l.m.off(ctx))) &&
		l.r.check("room is made", debugfs(l.m.disk, "rm /filler")) && ok
}

// damagedState is a disk that gives back something else than was written, and
// a battery that has gone mad.
func (l *lifetime) damagedState(ctx context.Context) bool {
	junk := filepath.Join(l.m.dir, "junk")
	err := os.WriteFile(junk, bytes.Repeat([]byte("the disk wrote this "), 4000), 0o600)
	if err == nil {
		err = debugfs(l.m.disk, "rm /appliance/appliance.db", "write "+junk+" /appliance/appliance.db")
	}
	if !l.r.check("its state is overwritten", err) {
		return false
	}
	l.m.clock = "2090-01-01T00:00:00"
	if !l.boots(ctx, "a damaged state, and a clock in 2090") {
		return false
	}
	ok := l.r.check("the screen says which copy is in use", l.m.await(ctx, func(screen string) bool { return strings.Contains(screen, "the state was damaged; the copy from") }))
	ok = l.r.check("the screen says that the clock is wrong", l.m.await(ctx, func(screen string) bool { return strings.Contains(screen, "1 January 2090, which cannot be") })) && ok
	_, err = l.c.update(ctx)
	return l.r.check("whoever was signed in still is", err) && ok
}

// resetKeeping is the reset through the console that keeps the authority.
func (l *lifetime) resetKeeping(ctx context.Context) bool {
	ok := l.r.check("the settings are reset in the console", l.reset(ctx, map[string]any{"depth": "settings"})) &&
		l.r.check("the name is forgotten, nobody else", l.still(ctx, ""))
	if !ok || !l.r.check("everything is reset in the console, but the authority", l.reset(ctx, map[string]any{"depth": "everything", "keep_authority": true})) {
		return false
	}
	if !l.r.check("it restarts", l.m.awaitText(ctx, "init: terminated: stopping")) {
		return false
	}
	authority, ok := l.again(ctx, "it is back")
	return ok && l.r.check("the authority is the same", same(l.authority, authority)) && l.r.check("nobody owns it", l.unclaimed(ctx))
}

func (l *lifetime) reset(ctx context.Context, q map[string]any) error {
	var n struct{ Name string }
	if err := l.c.ask(ctx, http.MethodGet, "/api/v1/names", nil, &n); err != nil {
		return err
	}
	q["name"] = n.Name
	err := l.c.ask(ctx, http.MethodPost, "/api/v1/reset", q, nil)
	if errors.Is(err, io.EOF) && q["depth"] == "everything" {
		return nil // on a very busy machine the restart is faster than the answer
	}
	return err
}

func (l *lifetime) unclaimed(ctx context.Context) error {
	var s struct{ Claimed bool }
	err := l.c.ask(ctx, http.MethodGet, "/api/v1/setup", nil, &s)
	if err == nil && s.Claimed {
		err = errors.New("it has an owner")
	}
	return errors.Join(err, l.m.await(ctx, setupCode.MatchString))
}

// resetAll is the reset by the keyboard, which forgets all.
func (l *lifetime) resetAll(ctx context.Context) bool {
	if !l.r.check("by the keyboard: a factory reset, which restarts it", l.restarts(ctx, "m4reset\ry")) {
		return false
	}
	authority, ok := l.again(ctx, "it is back")
	l.c = newConsole(l.m, authority)
	return ok && l.r.check("it is a new box", differ(l.authority, authority)) && l.r.check("nobody owns it", l.unclaimed(ctx))
}

// elsewhere restores the backup on a machine with another card, another disk,
// and a clock whose battery is empty.
func (l *lifetime) elsewhere(ctx context.Context) bool {
	l.m.cut()
	l.m.card, l.m.clock = "virtio-net-pci,mac=52:54:00:77:00:01", "2000-01-01T00:00:00"
	authority, ok := boot(ctx, l.m, l.r, "another machine: SATA, another card, a clock in 2000", "ide-hd,bus=ide.0")
	if !ok {
		return false
	}
	l.c = newConsole(l.m, authority)
	ok = l.r.check("the screen says that the clock is wrong", l.m.await(ctx, func(screen string) bool { return strings.Contains(screen, "1 January 2000, which is over") })) &&
		l.r.check("claimed", l.c.claim(ctx)) && l.r.check("the backup is restored there", l.restore(ctx))
	if !ok {
		return false
	}
	l.c = newConsole(l.m, l.authority)
	return l.r.check("the owner from before signs in, by the authority from before", l.signIn(ctx)) &&
		l.r.check("the name is there", l.still(ctx, kept)) &&
		l.r.check("the network, for the other card, is confirmed", l.confirmPending(ctx))
}

func (l *lifetime) restore(ctx context.Context) error {
	if err := l.c.ask(ctx, http.MethodPost, "/api/v1/restore", bytes.NewReader(l.backup), nil); err != nil {
		return err
	}
	q := map[string]any{"passphrase": passphrase, "network": true, "try": true}
	var inside struct{ Cards []struct{ Card string } }
	if err := l.c.ask(ctx, http.MethodPut, "/api/v1/restore", q, &inside); err != nil {
		return err
	}
	q["try"] = false
	if err := l.c.ask(ctx, http.MethodPut, "/api/v1/restore", q, nil); code(err) != "invalid" {
		return fmt.Errorf("a card that is not here: %w", errors.Join(errors.New("not asked for"), err))
	}
	var s netState
	if err := l.c.ask(ctx, http.MethodGet, "/api/v1/network", nil, &s); err != nil {
		return err
	}
	q["cards"] = map[string]string{inside.Cards[0].Card: s.Ports[0].Card}
	return l.c.ask(ctx, http.MethodPut, "/api/v1/restore", q, nil)
}

func (l *lifetime) signIn(ctx context.Context) error {
	return l.until(ctx, func() error {
		return l.c.ask(ctx, http.MethodPost, "/api/v1/session", map[string]string{"name": owner, "password": password}, nil)
	})
}

func (l *lifetime) confirmPending(ctx context.Context) error {
	var s netState
	if err := l.c.ask(ctx, http.MethodGet, "/api/v1/network", nil, &s); err != nil {
		return err
	}
	if s.Pending == nil {
		return fmt.Errorf("no change waits: %+v", s)
	}
	return l.confirm(ctx, s.Pending.ID)
}

// permAt is where the storage begins on the disk, in bytes.
func permAt(disk string) (int64, error) {
	f, err := os.Open(disk)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	entry := make([]byte, 128)
	_, err = f.ReadAt(entry, 2*512+3*128) // the fourth of the table
	return int64(binary.LittleEndian.Uint64(entry[32:])) * 512, err
}

// debugfs changes the storage of a box that was turned off in order.
func debugfs(disk string, commands ...string) error {
	at, err := permAt(disk)
	if err != nil {
		return err
	}
	cmd := exec.Command("debugfs", "-w", "-f", "-", fmt.Sprintf("%s?offset=%d", disk, at))
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	for _, bad := range []string{"not found", "Could not", "No space", "Bad magic", "while "} {
		if err == nil && bytes.Contains(out, []byte(bad)) {
			err = errors.New("debugfs")
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// fill leaves some blocks of the storage free, for what names the file.
func fill(disk string) error {
	const blockSize, rest = 4096, 24
	at, err := permAt(disk)
	if err != nil {
		return err
	}
	f, err := os.Open(disk)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 1024)
	if _, err := f.ReadAt(b, at+1024); err != nil { // the superblock
		return err
	}
	free := int64(binary.LittleEndian.Uint32(b[0x0c:]))
	filler, err := os.Create(filepath.Join(filepath.Dir(disk), "filler"))
	if err != nil {
		return err
	}
	defer os.Remove(filler.Name())
	_, err = io.Copy(filler, io.LimitReader(ones{}, (free-rest)*blockSize))
	if err := errors.Join(err, filler.Close()); err != nil {
		return err
	}
	return debugfs(disk, "write "+filler.Name()+" /filler")
}

// ones are bytes that nobody takes for a hole.
type ones struct{}

func (ones) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 1
	}
	return len(b), nil
}
