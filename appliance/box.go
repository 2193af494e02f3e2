package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/user"
	"strconv"
	"sync"

	"meetbox.local/appliance/internal/admin"
	"meetbox.local/appliance/internal/perm"
	"meetbox.local/appliance/internal/screen"
	"meetbox.local/appliance/internal/uplink"
)

// permDir is where the box's disk is mounted.
const permDir = "/perm"

// machine is what the appliance does on the box only, where the whole machine is
// its business: disk, network, screen.
type machine struct {
	groups map[string]int // of the services, each of which may read its own files only
	size   int64          // of /perm in bytes
	notes  []string
}

// newMachine makes a new box ready. What goes wrong is no reason not to serve
// meetings: it is said on the screen.
func newMachine(log *slog.Logger) (*machine, error) {
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
	return b, nil
}

// run keeps network and screen until ctx ends.
func (b *machine) run(ctx context.Context, d *daemon) {
	var wg sync.WaitGroup
	wg.Go(func() { uplink.Run(ctx, d.log) })
	wg.Go(func() {
		screen.Run(ctx, func(ctx context.Context) screen.Page {
			return screen.Page{Status: d.Status(), Health: admin.Ask(ctx, services, d.control), Disk: b.size, Notes: b.notes}
		}, d.log)
	})
	wg.Wait()
}
