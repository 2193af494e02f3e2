package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/admin"
	"meetbox.local/appliance/internal/perm"
	"meetbox.local/appliance/internal/screen"
	"meetbox.local/appliance/kit/unit"
)

// permDir is where the box's disk is mounted.
const permDir = "/perm"

// resolvFile is where /etc/resolv.conf leads to.
const resolvFile = "/tmp/resolv.conf"

// againAfter is the pause before a part of the box that failed is started again.
const againAfter = time.Second

// explainTime is how long a reason stays on the screen before the next try,
// which takes a moment and may show the same again.
const explainTime = 30 * time.Second

// machine is what the appliance does on the box only, where the whole machine is
// its business: disk, network, screen.
type machine struct {
	groups map[string]int // of the services, each of which may read its own files only
	size   int64          // of /perm in bytes
	notes  []string
	care   *care
	*lan
}

// newMachine makes a new box ready. What goes wrong is no reason not to serve
// meetings: it is said on the screen.
func newMachine(stateDir string, log *slog.Logger) (*machine, error) {
	b := &machine{groups: map[string]int{}}
	for _, s := range services[1:] {
		g, err := user.LookupGroup(s)
		if err != nil {
			return nil, fmt.Errorf("group of %s: %w", s, err)
		}
		if b.groups[s], err = strconv.Atoi(g.Gid); err != nil {
			return nil, fmt.Errorf("group of %s: %w", s, err)
		}
	}
	var err error
	if b.size, err = perm.Grow(permDir); err != nil {
		log.Error("disk not used whole", "err", err)
		b.notes = append(b.notes, "the disk is not used whole: "+err.Error())
	}
	if _, err = perm.MachineID(permDir); err != nil {
		log.Error("disk", "err", err)
		b.notes = append(b.notes, "nothing can be stored: "+err.Error())
	}
	b.lan = newLAN(stateDir, log)
	if b.care, err = newCare(log); err != nil {
		log.Error("the machine is not looked after as it should be", "err", err)
		b.notes = append(b.notes, err.Error())
	}
	return b, nil
}

// patience is how many questions in a row a service may leave without an
// answer until the screen says so: a busy machine should not look broken.
const patience = 5

// calm remembers what each service answered last, and since how many
// questions it has been silent.
type calm map[string]silence

type silence struct {
	last  api.Service
	count int
}

func (c calm) look(h api.Health) api.Health {
	out := api.Health{OK: true}
	for _, s := range h.Services {
		if old := c[s.Name]; s.PID == 0 && old.last.PID != 0 && old.count < patience {
			c[s.Name] = silence{old.last, old.count + 1}
			s = old.last
		} else {
			c[s.Name] = silence{last: s}
		}
		out.Services = append(out.Services, s)
		out.OK = out.OK && s.OK
	}
	return out
}

// offered are the addresses for media on the box: its own, and those of a port
// forward in front of it. No browser runs on the box itself, so that the
// loopback is only for the time when there is no other.
func offered(own, forwarded []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range own {
		if !a.IsLoopback() {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = slices.Clone(own)
	}
	for _, a := range forwarded {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// explain shows for a while why nothing works; the service then tries again.
// Nobody could read it in a log.
func (b *machine) explain(ctx context.Context, u *unit.Unit, why error) {
	u.SetHealth(false, why.Error())
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	screen.Run(ctx, func(context.Context) screen.Page {
		return screen.Page{Status: api.Status{Version: version()}, Disk: b.size, Notes: append(b.notes, why.Error()), Keyboard: true}
	}, rescue{b, nil}, u.Log)
}

// parts are what the admin API asks of the box.
func (b *machine) parts(p *admin.Parts) {
	p.Network, p.Names, p.Clock, p.Island = b.network, announced{b.lan}, b.clock, b.island
	p.Hardware, p.Installer = b.care, b.care.install
}

// forever runs a part of the box again when it ended by itself.
func (d *daemon) forever(ctx context.Context, what string, run func(context.Context) error) {
	for ctx.Err() == nil {
		if err := run(ctx); ctx.Err() == nil {
			d.log.Error("a part of the box ended, it is started again", "part", what, "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(againAfter):
			}
		}
	}
}

// run keeps network and screen until ctx ends.
func (b *machine) run(ctx context.Context, d *daemon) {
	var wg sync.WaitGroup
	wg.Go(func() { b.care.run(ctx) })
	wg.Go(func() { b.lan.run(ctx, d) })
	wg.Go(func() {
		calm := calm{}
		screen.Run(ctx, func(ctx context.Context) screen.Page {
			update, install := d.updates.Status(), b.care.install.Status()
			return screen.Page{
				Status: d.Status(), Health: calm.look(admin.Ask(ctx, services, d.control)), Disk: b.size,
				Notes: slices.Concat(d.updates.Notes(), d.notes()),
				Clock: time.Now(), Update: &update, Install: &install, Keyboard: true,
			}
		}, rescue{b, d}, d.log)
	})
	wg.Wait()
}
