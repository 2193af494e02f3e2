package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/clock"
	"meetbox.local/appliance/internal/island"
	"meetbox.local/appliance/internal/meetings"
	"meetbox.local/appliance/internal/names"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/state"
)

// followEvery is how often names and islands are compared with the network:
// in memory only.
const followEvery = time.Second

// built is set by the linker: when the image's commit was made, in seconds.
var built string

// buildTime is a time that is over for sure.
func buildTime() time.Time {
	if n, err := strconv.ParseInt(built, 10, 64); err == nil && n > 0 {
		return time.Unix(n, 0)
	}
	return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
}

// lan is what the box does for its networks: addresses, names, the time, and
// islands.
type lan struct {
	network *network.Manager
	clock   *clock.Manager
	island  *island.Manager

	daemon    atomic.Pointer[daemon] // from connect on
	settings  atomic.Pointer[api.Settings]
	responder atomic.Pointer[names.Responder]
	meeting   atomic.Bool // what was known last
}

// newLAN sets the clock to what is known without asking anybody.
func newLAN(stateDir string, log *slog.Logger) *lan {
	l := &lan{}
	l.settings.Store(&api.Settings{})
	l.clock = clock.New(clock.Config{
		Kernel: clock.System{}, RTC: clock.Hardware(), Dir: stateDir, Built: buildTime(),
		Servers: l.ntp, Meeting: l.meets, Stepped: l.changed, Log: log,
	})
	l.island = island.New(stateDir, l.clock.NTP, log)
	return l
}

// connect makes what needs the store.
func (l *lan) connect(d *daemon, store *state.Store, log *slog.Logger) {
	l.network = network.NewManager(networkStore{store}, resolvFile, log)
	l.daemon.Store(d)
}

// changed has everything that depends on names and time looked at again.
func (l *lan) changed() {
	if d := l.daemon.Load(); d != nil {
		select {
		case d.changed <- struct{}{}:
		default: // the one waiting will see this change too
		}
	}
}

func (l *lan) ntp() []netip.Addr {
	if l.network == nil {
		return nil
	}
	return l.network.NTP()
}

// meets says whether people are in meetings; when nobody knows, what was so.
func (l *lan) meets(ctx context.Context) bool {
	d := l.daemon.Load()
	if d == nil {
		return false
	}
	if now, err := meetings.Now(ctx, d.control); err == nil {
		l.meeting.Store(now.People > 0)
	}
	return l.meeting.Load()
}

// run keeps all of it until ctx ends.
func (l *lan) run(ctx context.Context, d *daemon) {
	var wg sync.WaitGroup
	wg.Go(func() { d.forever(ctx, "network", l.network.Run) })
	wg.Go(func() { d.forever(ctx, "clock", l.clock.Run) })
	wg.Go(func() { d.forever(ctx, "island", l.island.Run) })
	wg.Go(func() { d.forever(ctx, "names", func(ctx context.Context) error { return l.announce(ctx, d.log) }) })
	wg.Go(func() { l.follow(ctx, d) })
	wg.Wait()
}

func (l *lan) announce(ctx context.Context, log *slog.Logger) error {
	r, err := names.Open(l.changed, log)
	if err != nil {
		return err
	}
	l.responder.Store(r)
	defer l.responder.Store(nil)
	return r.Run(ctx)
}

// follow tells names, islands and clock of every change of the network and of
// the settings. Told the same again they do nothing.
func (l *lan) follow(ctx context.Context, d *daemon) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var servers []netip.Addr
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		set, ports := l.settings.Load(), l.network.Status().Ports
		l.clock.Configure(set.Clock)
		if now := l.ntp(); !slices.Equal(now, servers) {
			servers = now
			l.clock.Wake()
		}
		within(ctx, func(ctx context.Context) { l.island.Set(ctx, served(*set, ports, l.names())) })
		if r := l.responder.Load(); r != nil {
			w := names.Wanted{Host: set.Names.Host, Quiet: set.Names.Quiet, Links: links(ports), HTTPSPort: d.set.HTTPSPort, HTTPPort: d.set.HTTPPort}
			within(ctx, func(ctx context.Context) { r.Set(ctx, w) })
		}
	}
}

// within bounds a call: what is told may be ending just now.
func within(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, 10*followEvery)
	defer cancel()
	f(ctx)
}

// links are the networks on which names are announced.
func links(ports []api.PortStatus) (out []names.Link) {
	for _, p := range ports {
		i, err := net.InterfaceByName(p.Name)
		if err != nil || p.Role == api.PortOff || !p.Cable {
			continue
		}
		out = append(out, names.Link{Index: i.Index, Name: p.Name, Addrs: p.Addresses})
	}
	return out
}

// served is what islands are to serve.
func served(set api.Settings, ports []api.PortStatus, hosts []string) island.Wanted {
	w := island.Wanted{Settings: set.Island, Names: hosts}
	if len(hosts) > 0 {
		w.Captive = "https://" + hosts[0] + api.CaptivePath
	}
	for _, p := range ports {
		if p.Role != api.IslandPort {
			continue
		}
		one := island.Port{Link: p.Name}
		for _, a := range p.Addresses {
			switch {
			case a.Addr().Is4() && !one.Address.IsValid():
				one.Address = a
			case a.Addr().Is6() && !a.Addr().IsLinkLocalUnicast():
				one.More = append(one.More, a.Addr())
			}
		}
		if one.Address.IsValid() {
			w.Ports = append(w.Ports, one)
		}
	}
	return w
}

// names are what the box is called, best first: what it announces, what the
// site's DNS server calls it, and what routers make of its DHCP request.
func (l *lan) names() []string {
	set := l.settings.Load()
	host := set.Names.Host
	if host == "" {
		host = names.DefaultHost
	}
	first := host + ".local"
	if r := l.responder.Load(); r != nil {
		if name, _, active := r.Name(); active {
			first = name
		}
	}
	out := append([]string{first}, set.Names.Extra...)
	out = append(out, "localhost", host)
	for _, p := range l.network.Status().Ports {
		if p.Lease != nil && network.IsHost(p.Lease.Domain) {
			out = append(out, network.DHCPName+"."+p.Lease.Domain)
		}
	}
	slices.Sort(out[1+len(set.Names.Extra)+1:])
	return slices.Compact(out)
}

// follows takes the settings over, and adds to the files' input what they say.
func (l *lan) follows(set api.Settings, in *render.Input) {
	l.settings.Store(&set)
	in.Names = l.names()
	in.Captive = !set.Island.NoCaptive && slices.ContainsFunc(l.network.Status().Ports, func(p api.PortStatus) bool { return p.Role == api.IslandPort })
}

// notes are what a person should know.
func (l *lan) notes() (out []string) {
	s := l.network.Status()
	out = append(out, s.Problems...)
	for _, p := range s.Ports {
		for _, text := range p.Problems {
			out = append(out, p.Name+": "+text)
		}
	}
	if p := s.Pending; p != nil {
		out = append(out, "The network was changed. Confirm it in the console at the new address, or it is taken back in "+strconv.Itoa(p.Seconds)+" seconds.")
	}
	for _, p := range l.island.Status().Ports {
		out = append(out, p.Problems...)
	}
	for _, text := range []string{l.clock.Status().Problem, announced{l}.Status().Conflict} {
		if text != "" {
			out = append(out, text)
		}
	}
	return out
}

// announced answers for names in the admin API.
type announced struct{ *lan }

// Status is what the box is called.
func (a announced) Status() api.NamesStatus {
	hosts := a.names()
	out := api.NamesStatus{Name: hosts[0]}
	if r := a.responder.Load(); r != nil {
		_, out.Conflict, out.Announce = r.Name()
	} else {
		out.Problems = append(out.Problems, "The name cannot be announced now.")
	}
	var addrs []netip.Addr
	for _, p := range a.network.Status().Ports {
		for _, x := range p.Addresses {
			addrs = append(addrs, x.Addr())
		}
	}
	out.Records = names.Records(a.settings.Load().Names.Extra, addrs)
	return out
}
