package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/firewall"
	"meetbox.local/appliance/internal/hardware"
	"meetbox.local/appliance/internal/install"
	"meetbox.local/appliance/internal/perm"
)

const (
	// permTemplate is an empty /perm, as the image brings it.
	permTemplate = "/usr/share/meetbox/perm.ext4"
	// careEvery is how often the disk is looked after; first a while after the
	// start, because some boxes are turned off before the hour is over.
	careFirst = 2 * time.Minute
	careEvery = time.Hour
	// storageEvery is how old may be what the screen says of the storage.
	storageEvery = 5 * time.Second
)

// care looks after the machine: which packets pass, what the disk needs, how
// all of it is, and other disks.
type care struct {
	boot    string // name of the disk that the box runs from
	wall    *firewall.Keeper
	install *install.Manager
	log     *slog.Logger

	mu     sync.Mutex
	life   perm.Life
	looked time.Time // at the storage
	full   []string  // what was wrong with it
}

// newCare counts the start, and closes everything before the network is up.
func newCare(log *slog.Logger) (*care, error) {
	c := &care{log: log}
	var berr, lerr error
	c.boot, berr = perm.Disk(permDir)
	c.life, lerr = perm.Begin(permDir)
	return c, errors.Join(berr, lerr, firewall.Apply(firewall.Policy{}))
}

// connect makes what needs the rest of the appliance.
func (c *care) connect(d *daemon) {
	c.wall = firewall.NewKeeper(func() firewall.Wanted { return wanted(d) }, d.log)
	c.install = install.NewManager(c.boot, permTemplate, func() string {
		if d.updates != nil && d.updates.Status().Phase != api.UpdateIdle {
			return "An update is under way: wait until it is confirmed."
		}
		return ""
	}, d.log)
}

// run works until ctx ends, and then writes down that it ended in order.
func (c *care) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { c.wall.Run(ctx) })
	wg.Go(func() { c.keepDisk(ctx) })
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.life.End(permDir); err != nil {
		c.log.Error("the end is not written down", "err", err)
	}
}

func (c *care) keepDisk(ctx context.Context) {
	next := time.NewTimer(careFirst)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-next.C:
			c.trim(now)
			next.Reset(careEvery)
		}
	}
}

func (c *care) trim(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.life.TrimDue(now) {
		return
	}
	n, err := c.life.Trim(permDir, now)
	if err != nil {
		c.log.Error("the disk does not know what is free", "err", err)
		return
	}
	c.log.Info("disk trimmed", "bytes", n)
}

// Hardware implements admin.Hardware.
func (c *care) Hardware() api.Hardware {
	storage, err := perm.Storage(permDir)
	if err != nil {
		c.log.Debug("storage", "err", err)
	}
	c.mu.Lock()
	boots := api.Boots{Count: c.life.Count, Cuts: c.life.Cuts, Trimmed: c.life.Trimmed}
	c.mu.Unlock()
	h := hardware.Real(c.boot).Look(storage, boots)
	h.Problems = append(h.Problems, c.faults()...)
	return h
}

// notes are what a person in front of the box should know.
func (c *care) notes() []string { return append(c.faults(), c.storage()...) }

func (c *care) faults() []string {
	var out []string
	// Process 1 left it there; it stays until the next factory reset, because
	// something may be missing for ever.
	if b, err := os.ReadFile(filepath.Join(permDir, "repaired")); err == nil {
		out = append(out, strings.TrimSpace(string(b)))
	}
	if c.wall == nil {
		return out
	}
	if p := c.wall.Problem(); p != "" {
		out = append(out, "packets are not filtered: "+p)
	}
	return out
}

// storage is what is wrong with the place for what is kept.
func (c *care) storage() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > storageEvery {
		c.looked, c.full = time.Now(), nil
		if s, err := perm.Storage(permDir); err == nil {
			c.full = hardware.StorageProblems(s)
		}
	}
	return c.full
}

// wanted is which packets may pass, from the settings and the network as it
// is. When the settings cannot be read, nobody outside may be spoken to.
func wanted(d *daemon) firewall.Wanted {
	var set api.Settings
	if all, err := d.store.Settings(); err == nil {
		set = all.Settings
	} else {
		d.log.Debug("packet filter without settings", "err", err)
	}
	w := filtered(set, d.machine.network.Status())
	w.TCP = []uint16{uint16(d.set.HTTPSPort), uint16(d.set.HTTPPort), uint16(d.set.AdminPort), uint16(d.set.MediaPort)}
	if set.Rooms.Clients {
		w.TCP = append(w.TCP, uint16(d.set.XMPPPort))
	}
	w.Media = []uint16{uint16(d.set.MediaPort)}
	return w
}

func filtered(set api.Settings, net api.NetworkStatus) (w firewall.Wanted) {
	w.DNS = net.DNS
	var lent []netip.Addr
	for _, p := range net.Ports {
		for _, a := range p.Addresses {
			if !a.Addr().IsLoopback() && !slices.Contains(w.Own, a.Masked()) {
				w.Own = append(w.Own, a.Masked())
			}
		}
		if p.Role == api.IslandPort {
			w.Island = append(w.Island, p.Name)
		}
		if p.Lease != nil {
			lent = append(lent, p.Lease.NTP...)
		}
	}
	for _, h := range set.Egress.Hosts {
		port := h.Port
		if port == 0 {
			port = h.Use.UsualPort()
		}
		w.Hosts = append(w.Hosts, firewall.Host{Name: h.Host, UDP: h.Use.UDP(), Port: uint16(port)})
	}
	ntp := uint16(api.EgressNTP.UsualPort())
	switch {
	case set.Clock.Off:
	case len(set.Clock.NTP) > 0:
		for _, name := range set.Clock.NTP {
			w.Hosts = append(w.Hosts, firewall.Host{Name: name, UDP: true, Port: ntp})
		}
	default:
		for _, a := range lent {
			w.Hosts = append(w.Hosts, firewall.Host{Name: a.String(), UDP: true, Port: ntp})
		}
	}
	if h, ok := authority(set.Certificates); ok {
		w.Hosts = append(w.Hosts, h)
	}
	for _, where := range []interface{ HostPort() (string, uint16, bool) }{set.Directory.LDAP, set.Directory.OIDC} {
		if host, port, ok := where.HostPort(); ok {
			w.Hosts = append(w.Hosts, firewall.Host{Name: host, Port: port})
		}
	}
	slices.SortFunc(w.Own, netip.Prefix.Compare)
	return w
}

// authority is where the box's certificate comes from, when it comes from
// somewhere else.
func authority(set api.CertificateSettings) (firewall.Host, bool) {
	u, err := url.Parse(set.ACME.Directory)
	if set.Source != api.SourceACME || err != nil || u.Hostname() == "" {
		return firewall.Host{}, false
	}
	port := uint64(api.EgressACME.UsualPort())
	if u.Port() != "" {
		if port, err = strconv.ParseUint(u.Port(), 10, 16); err != nil {
			return firewall.Host{}, false
		}
	}
	return firewall.Host{Name: u.Hostname(), Port: uint16(port)}, true
}
