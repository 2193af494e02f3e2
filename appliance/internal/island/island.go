// Package island makes a network of the box's own, for places that have
// none: on each port with that role it lends addresses (DHCP), knows its own
// names and no others (DNS), gives the time (NTP), and answers what phones
// ask to find out whether there is the internet, so that they stay (web
// answers the HTTP part).
//
// A Manager has one server for each port. It does not lend addresses where
// somebody else does already. Leases are kept in a file of the state folder.
package island

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/dhcp"
	"meetbox.local/appliance/internal/ntp"
	"meetbox.local/appliance/kit/atomicfile"
)

const (
	fileName = "leases.json"
	// listenFor another DHCP server before there are two. Some take three
	// seconds, to see whether what they are about to offer is in use.
	listenFor = 4 * time.Second
	// againAfter something went wrong: a cable, or another server.
	againAfter = 5 * time.Second
	// checkEvery whether another DHCP server came.
	checkEvery  = 10 * time.Minute
	defaultLife = 12 * time.Hour
	// writeAfter a change, so that a roomful of phones is one write.
	writeAfter = 5 * time.Second
)

// Port is one network to serve.
type Port struct {
	Link    string
	Address netip.Prefix // ours there, IPv4
	More    []netip.Addr // IPv6
}

// Wanted is what is to be served.
type Wanted struct {
	Settings api.Island
	Ports    []Port
	Names    []string // of the box, best first
	Captive  string   // URL of RFC 8908's answer
}

// Manager serves islands.
type Manager struct {
	dir    string
	now    func() time.Time
	source func() ntp.Source
	log    *slog.Logger
	sets   chan Wanted
	again  time.Duration
	listen time.Duration

	mu    sync.Mutex
	ports map[string]*server
	old   map[string][]kept
	dirty chan struct{}
}

// kept is a lease in the file.
type kept struct {
	Address netip.Addr `json:"address"`
	MAC     string     `json:"mac"`
	Name    string     `json:"name,omitempty"`
	Until   time.Time  `json:"until"`
}

// server is one port's. Its manager's mu guards all below pool.
type server struct {
	Port

	wanted Wanted
	cancel context.CancelFunc
	done   chan struct{}

	pool     *pool
	first    netip.Addr
	last     netip.Addr
	lends    bool
	problems map[string]string // by part
}

// New makes a manager; source says how good the box's time is.
func New(dir string, source func() ntp.Source, log *slog.Logger) *Manager {
	return &Manager{
		dir: dir, now: time.Now, source: source, log: log, sets: make(chan Wanted), again: againAfter, listen: listenFor,
		ports: map[string]*server{}, old: map[string][]kept{}, dirty: make(chan struct{}, 1),
	}
}

// Set says what to serve from now on.
func (m *Manager) Set(ctx context.Context, w Wanted) {
	select {
	case m.sets <- w:
	case <-ctx.Done():
	}
}

// Run serves until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	m.load()
	write := time.NewTimer(writeAfter)
	defer write.Stop()
	for {
		select {
		case <-ctx.Done():
			m.follow(ctx, Wanted{})
			m.write()
			return context.Cause(ctx)
		case w := <-m.sets:
			m.follow(ctx, w)
		case <-m.dirty:
			write.Reset(writeAfter)
		case <-write.C:
			m.write()
		}
	}
}

// follow starts and stops the ports' servers.
func (m *Manager) follow(ctx context.Context, w Wanted) {
	m.mu.Lock()
	have := maps.Clone(m.ports)
	m.mu.Unlock()
	for link, s := range have {
		i := slices.IndexFunc(w.Ports, func(p Port) bool { return p.Link == link })
		alone := w
		alone.Ports = nil
		if i >= 0 && reflect.DeepEqual(w.Ports[i], s.Port) && reflect.DeepEqual(alone, s.wanted) {
			continue
		}
		s.cancel()
		<-s.done
		m.mu.Lock()
		m.keep(s)
		delete(m.ports, link)
		m.mu.Unlock()
	}
	for _, p := range w.Ports {
		m.mu.Lock()
		known := m.ports[p.Link] != nil
		m.mu.Unlock()
		if known {
			continue
		}
		alone := w
		alone.Ports = nil
		ctx, cancel := context.WithCancel(ctx)
		s := &server{Port: p, wanted: alone, cancel: cancel, done: make(chan struct{}), problems: map[string]string{}}
		if first, last, ok := span(p.Address, w.Settings); ok {
			s.first, s.last = first, last
			s.pool = newPool(p.Address.Addr(), first, last)
			m.mu.Lock()
			for _, k := range m.old[p.Link] {
				if s.pool.inside(k.Address) {
					s.pool.leases[k.Address] = &lease{mac: k.MAC, name: clean(k.Name), until: k.Until, bound: true}
				}
			}
			m.mu.Unlock()
		}
		m.mu.Lock()
		m.ports[p.Link] = s
		m.mu.Unlock()
		go func() {
			defer close(s.done)
			m.serve(ctx, s)
		}()
	}
}

// serve runs the parts of one port, each again after it failed.
func (m *Manager) serve(ctx context.Context, s *server) {
	var wg sync.WaitGroup
	z := newZone(append([]netip.Addr{s.Address.Addr()}, s.More...), s.wanted.Names, !s.wanted.Settings.NoCaptive)
	at := netip.AddrPortFrom(s.Address.Addr(), 53)
	wg.Go(func() {
		m.keepUp(ctx, s, "DNS", func(ctx context.Context) error {
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
			if err != nil {
				return err
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			defer c.Close()
			m.well(s, "DNS")
			z.serveUDP(c)
			return errEnded
		})
	})
	wg.Go(func() {
		m.keepUp(ctx, s, "DNS over TCP", func(ctx context.Context) error {
			l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
			if err != nil {
				return err
			}
			stop := context.AfterFunc(ctx, func() { l.Close() })
			defer stop()
			defer l.Close()
			m.well(s, "DNS over TCP")
			z.serveTCP(ctx, l)
			return errEnded
		})
	})
	wg.Go(func() {
		m.keepUp(ctx, s, "NTP", func(ctx context.Context) error {
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.Address.Addr(), 123)))
			if err != nil {
				return err
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			defer c.Close()
			m.well(s, "NTP")
			return ntp.Serve(c, m.now, m.source)
		})
	})
	switch {
	case s.wanted.Settings.NoDHCP:
	case s.pool == nil:
		m.say(s, "DHCP", fmt.Sprintf("The network %s has no room for other devices: choose a wider one, such as a /24.", s.Address.Masked()))
	default:
		wg.Go(func() { m.keepUp(ctx, s, "DHCP", func(ctx context.Context) error { return m.lend(ctx, s) }) })
	}
	wg.Wait()
}

var errEnded = errors.New("ended")

// keepUp runs a part until ctx ends.
func (m *Manager) keepUp(ctx context.Context, s *server, part string, run func(context.Context) error) {
	for ctx.Err() == nil {
		err := run(ctx)
		if ctx.Err() != nil {
			return
		}
		if o, ok := errors.AsType[*otherServer](err); ok {
			m.say(s, part, o.Error())
		} else {
			m.say(s, part, fmt.Sprintf("%s is not served now: %v.", part, err))
		}
		t := time.NewTimer(m.again)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

func (m *Manager) say(s *server, part, text string) {
	m.mu.Lock()
	old := s.problems[part]
	s.problems[part] = text
	m.mu.Unlock()
	if old != text {
		m.log.Warn("island", "link", s.Link, "problem", text)
	}
}

func (m *Manager) well(s *server, part string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(s.problems, part)
}

// otherServer means that somebody else lends addresses on the port.
type otherServer struct{ addrs []netip.Addr }

func (o *otherServer) Error() string {
	return fmt.Sprintf("Another DHCP server answers on this port: %v. The box lends no addresses beside it: take the cable to that network out, or turn the island off.", o.addrs)
}

// foreign looks for other DHCP servers.
func (m *Manager) foreign(ctx context.Context, s *server) error {
	found, err := dhcp.Servers(ctx, s.Link, m.listen)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(a netip.Addr) bool { return a == s.Address.Addr() })
	if len(found) > 0 {
		return &otherServer{found}
	}
	return nil
}

// lend is the DHCP server of a port.
func (m *Manager) lend(ctx context.Context, s *server) error {
	defer func() {
		m.mu.Lock()
		s.lends = false
		m.mu.Unlock()
	}()
	if err := m.foreign(ctx, s); err != nil {
		return err
	}
	t := terms{own: s.Address, life: defaultLife}
	if n := s.wanted.Settings.LeaseMinutes; n > 0 {
		t.life = time.Duration(n) * time.Minute
	}
	if !s.wanted.Settings.NoCaptive {
		t.captive = s.wanted.Captive
	}
	srv, err := server4.NewServer(s.Link, &net.UDPAddr{Port: 67}, func(c net.PacketConn, _ net.Addr, msg *dhcpv4.DHCPv4) {
		m.mu.Lock()
		reply, bound := s.pool.answer(msg, t, m.now())
		m.mu.Unlock()
		if bound {
			select {
			case m.dirty <- struct{}{}:
			default:
			}
		}
		if reply != nil {
			if _, err := c.WriteTo(reply.ToBytes(), receiver(msg, reply)); err != nil {
				m.log.Debug("DHCP answer not sent", "link", s.Link, "err", err)
			}
		}
	})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	defer srv.Close()
	m.well(s, "DHCP")
	m.mu.Lock()
	s.lends = true
	m.mu.Unlock()
	m.log.Info("island: lending addresses", "link", s.Link, "first", s.first, "last", s.last)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve() }()
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			if err := m.foreign(ctx, s); err != nil && ctx.Err() == nil {
				srv.Close()
				<-ended
				return err
			}
		}
	}
}

// Status is how the islands are.
func (m *Manager) Status() api.IslandStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := api.IslandStatus{Ports: []api.IslandPortStatus{}}
	for _, link := range slices.Sorted(maps.Keys(m.ports)) {
		s := m.ports[link]
		p := api.IslandPortStatus{Name: link, Address: s.Address, DHCP: s.lends, First: s.first, Last: s.last, Leases: []api.IslandLease{}}
		if s.pool != nil {
			p.Leases = s.pool.list(m.now())
		}
		for _, part := range slices.Sorted(maps.Keys(s.problems)) {
			p.Problems = append(p.Problems, s.problems[part])
		}
		out.Ports = append(out.Ports, p)
	}
	return out
}

// keep remembers a port's leases. The caller holds mu.
func (m *Manager) keep(s *server) {
	if s.pool == nil {
		return
	}
	var out []kept
	s.pool.forget(m.now())
	for a, l := range s.pool.leases {
		if l.bound {
			out = append(out, kept{a, l.mac, l.name, l.until.UTC().Truncate(time.Second)})
		}
	}
	slices.SortFunc(out, func(a, b kept) int { return a.Address.Compare(b.Address) })
	m.old[s.Link] = out
}

func (m *Manager) load() {
	root, err := os.OpenRoot(m.dir)
	if err != nil {
		return
	}
	defer root.Close()
	b, err := root.ReadFile(fileName)
	if err != nil {
		return // there are none
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := json.Unmarshal(b, &m.old); err != nil {
		m.log.Warn("leases not read, devices ask anew", "err", err)
		m.old = map[string][]kept{}
	}
}

// write keeps the leases for the next start.
func (m *Manager) write() {
	m.mu.Lock()
	for _, s := range m.ports {
		m.keep(s)
	}
	b, err := json.MarshalIndent(m.old, "", "  ")
	empty := len(m.old) == 0
	m.mu.Unlock()
	if empty {
		return
	}
	root, rerr := os.OpenRoot(m.dir)
	if err == nil && rerr == nil {
		defer root.Close()
		if have, err := root.ReadFile(fileName); err == nil && string(have) == string(b) {
			return
		}
		err = atomicfile.Write(root, fileName, b, 0o600)
	}
	if err := errors.Join(err, rerr); err != nil {
		m.log.Warn("leases not kept", "err", err)
	}
}
