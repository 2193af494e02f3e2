package network

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/arp"
	"meetbox.local/appliance/internal/state"
)

const (
	// checkEvery is how often the manager looks by itself, beside what the
	// kernel reports.
	checkEvery = 5 * time.Second
	// answerTime is how long an answer has to leave before addresses change.
	answerTime = time.Second
)

// Manager keeps the box's network as it should be. Run's goroutine owns all
// but what mu guards.
type Manager struct {
	store  Store
	log    *slog.Logger
	resolv string // where the DNS servers are written; "": nowhere
	answer time.Duration
	limit  time.Duration // for a confirmation

	calls  chan func()
	events chan func() // of clients and watchers

	wanted  api.Network
	pending *Pending
	applied bool // the pending change is in force
	timer   *time.Timer
	clients map[string]*worker
	guards  map[string]*worker // of static addresses
	leases  map[string]api.Lease
	said    map[string]string     // by DHCP clients
	taken   map[netip.Addr]string // fixed addresses that another device has
	clash   map[string]string     // by link: fixed addresses that another device uses too
	told    []string
	wg      sync.WaitGroup

	mu      sync.Mutex
	status  api.NetworkStatus
	inForce api.Network
	due     time.Time // of the pending change's end
}

// NewManager makes a manager that changes nothing before Run.
func NewManager(store Store, resolv string, log *slog.Logger) *Manager {
	return &Manager{
		store: store, log: log, resolv: resolv, answer: answerTime, limit: ConfirmTime,
		calls: make(chan func()), events: make(chan func(), 16),
		timer: stopped(), clients: map[string]*worker{}, guards: map[string]*worker{},
		leases: map[string]api.Lease{}, said: map[string]string{}, taken: map[netip.Addr]string{}, clash: map[string]string{},
	}
}

func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// Run keeps the network until ctx ends; then it leaves it as it is.
func (m *Manager) Run(ctx context.Context) error {
	if err := m.load(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer m.wg.Wait()
	defer cancel()
	changed := make(chan struct{}, 1)
	m.wg.Go(func() {
		for ctx.Err() == nil { // until the kernel can be watched, looking now and then has to do
			_ = Watch(ctx, func() {
				select {
				case changed <- struct{}{}:
				default:
				}
			})
			pause(ctx, checkEvery)
		}
	})
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		m.reconcile(ctx)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		case <-changed:
		case f := <-m.calls:
			f()
		case f := <-m.events:
			f()
		case <-m.timer.C:
			m.expire()
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// load reads what was wanted before, and a change that nobody confirmed yet:
// its time goes on.
func (m *Manager) load() error {
	var err error
	if m.wanted, err = m.store.Network(); err != nil {
		return err
	}
	p, found, err := m.store.Pending()
	if err != nil || !found {
		return err
	}
	left := min(time.Until(p.Until), m.limit) // whatever the clock did meanwhile
	if left <= 0 || reflect.DeepEqual(p.Network, m.wanted) {
		m.log.Info("network change not confirmed in time, the old network stays", "id", p.ID)
		return m.store.DropPending()
	}
	m.force(&p, left)
	m.applied = true
	return nil
}

// force makes the change the one that waits.
func (m *Manager) force(p *Pending, left time.Duration) {
	m.pending = p
	m.timer.Reset(left)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.due = time.Now().Add(left)
}

func (m *Manager) propose(ctx context.Context, n api.Network, who state.Actor, match *uint64, from netip.Addr) (api.PendingNetwork, error) {
	if m.pending != nil {
		return api.PendingNetwork{}, ErrPending
	}
	if err := m.possible(ctx, n); err != nil {
		return api.PendingNetwork{}, err
	}
	p := Pending{Who: who, Match: match, PendingNetwork: api.PendingNetwork{
		ID: rand.Text(), Network: n, From: from, Until: time.Now().Add(m.limit), Seconds: int(m.limit.Seconds()),
	}}
	if err := m.store.SetPending(p); err != nil {
		return api.PendingNetwork{}, err
	}
	m.log.Info("network change proposed", "id", p.ID, "who", who.Name)
	m.applied = false
	m.force(&p, m.answer)
	m.mu.Lock()
	m.due = time.Now().Add(m.limit)
	m.mu.Unlock()
	return p.PendingNetwork, nil
}

// possible finds what the kernel or another device has against the network.
func (m *Manager) possible(ctx context.Context, n api.Network) error {
	all, cards, err := links()
	if err != nil {
		return err
	}
	wrong := api.FieldErrors{}
	for i, p := range n.Ports {
		p = p.Filled()
		c, ok := find(cards, p)
		if !ok {
			continue // it may come
		}
		w := port{name: vlanName(c.name, p.VLAN), card: c.name, vlan: p.VLAN}
		if err := addVLAN(all, w); errors.Is(err, errVLAN) {
			wrong.Add(fmt.Sprintf("ports.%d.vlan", i), "It is not possible: "+err.Error()+".")
		}
		if p.VLAN == 0 && p.Role != api.PortOff && p.IPv4.Mode == api.Static && c.cable {
			if who := m.owner(ctx, c.name, p.IPv4.Address.Addr()); who != nil {
				wrong.Add(fmt.Sprintf("ports.%d.ipv4.address", i), fmt.Sprintf("The device %s has this address already: give the box another one.", who))
			}
		}
	}
	return wrong.Err()
}

// owner is the device on the link that has the address; nil: nobody, or us.
func (m *Manager) owner(ctx context.Context, link string, addr netip.Addr) net.HardwareAddr {
	i, err := net.InterfaceByName(link)
	if err != nil {
		return nil
	}
	if own, err := i.Addrs(); err != nil || slices.ContainsFunc(own, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr() == addr
	}) {
		return nil
	}
	c, err := arp.Listen(i)
	if err != nil {
		return nil
	}
	defer c.Close()
	who, err := c.Probe(ctx, addr)
	if err != nil {
		m.log.Debug("address not probed", "link", link, "addr", addr, "err", err)
	}
	return who
}

func (m *Manager) confirm(id string, at netip.Addr) error {
	switch {
	case m.pending == nil || m.pending.ID != id:
		return ErrNone
	case !m.applied:
		return ErrEarly
	}
	have, err := Addresses()
	if err != nil {
		return err
	}
	if at.IsLoopback() || !slices.ContainsFunc(have, func(a Address) bool { return a.Addr == at.Unmap().WithZone("") }) && !at.IsLinkLocalUnicast() {
		return ErrElsewhere
	}
	if err := m.store.Keep(*m.pending); err != nil {
		return err
	}
	m.log.Info("network change confirmed", "id", id, "at", at)
	m.wanted, m.pending = m.pending.Network, nil
	m.timer.Stop()
	return nil
}

// expire is the timer's: first the change comes into force, then its time is
// over.
func (m *Manager) expire() {
	switch {
	case m.pending == nil:
	case !m.applied:
		m.applied = true
		m.timer.Reset(m.limit - m.answer)
	default:
		m.log.Warn("network change not confirmed in time, taken back", "id", m.pending.ID)
		if err := m.rollBack(); err != nil { // in force it is not, whatever the disk says
			m.log.Error("network change", "err", err)
		}
	}
}

func (m *Manager) rollBack() error {
	m.pending = nil
	m.timer.Stop()
	return m.store.DropPending()
}

// reconcile makes the kernel's network what it should be.
func (m *Manager) reconcile(ctx context.Context) {
	n := m.wanted
	if m.pending != nil && m.applied {
		n = m.pending.Network
	}
	all, cards, err := links()
	if err != nil {
		m.publish(n, nil, []string{err.Error()})
		return
	}
	ports, missing := plan(n, cards, m.leases)
	status := api.NetworkStatus{DNS: servers(n, ports, m.leases)}
	problems := map[string][]string{}
	bad := func(p port, err error) {
		if err != nil && ctx.Err() == nil {
			problems[p.name] = append(problems[p.name], sentence(err))
		}
	}
	if err := tidy(all, ports); err != nil {
		status.Problems = append(status.Problems, sentence(err))
	}
	for _, p := range ports {
		if p.role != api.PortOff {
			if err := addVLAN(all, p); err != nil {
				bad(p, err)
			}
		}
		if l := all[p.name]; l != nil {
			m.hold(ctx, &p)
			added, err := apply(l, p)
			bad(p, err)
			for _, a := range added {
				m.log.Info("address set", "link", p.name, "address", a)
			}
		}
	}
	m.workers(ctx, all, ports)
	bad(port{}, m.writeResolv(status.DNS))
	status.Problems = append(status.Problems, problems[""]...)
	for _, p := range ports {
		s := api.PortStatus{Name: p.name, VLAN: p.vlan, Role: p.role, Named: p.named}
		if l := all[p.name]; l != nil {
			if s, err = look(l, p); err != nil {
				bad(p, err)
			}
		}
		if l, ok := m.leases[p.name]; ok && p.dhcp && l.Address.IsValid() {
			s.Lease = &l
		}
		s.Problems = append(s.Problems, problems[p.name]...)
		for _, text := range []string{m.said[p.name], m.clash[p.name], m.taken[p.static.Addr()]} {
			if text != "" && p.role != api.PortOff {
				s.Problems = append(s.Problems, text)
			}
		}
		if p.named && p.role != api.PortOff && !s.Cable && p.vlan == 0 {
			s.Problems = append(s.Problems, "No cable is plugged in, or what is at its other end is off.")
		}
		status.Ports = append(status.Ports, s)
	}
	for _, p := range missing {
		status.Ports = append(status.Ports, api.PortStatus{Name: p.Card, VLAN: p.VLAN, Role: p.Role, Named: true,
			Problems: []string{fmt.Sprintf("There is no network card %s now.", p.Card)}})
	}
	m.publish(n, &status, status.Problems)
}

// sentence is the error for a person.
func sentence(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// writeResolv writes the DNS servers down where the resolver looks.
func (m *Manager) writeResolv(list []netip.Addr) error {
	if m.resolv == "" {
		return nil
	}
	var b bytes.Buffer
	for _, a := range list {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	if len(list) > 0 {
		b.WriteString("options timeout:2 attempts:2\n")
	}
	have, err := os.ReadFile(m.resolv)
	if err == nil && bytes.Equal(have, b.Bytes()) {
		return nil
	}
	return os.WriteFile(m.resolv, b.Bytes(), 0o644)
}

// publish makes the state visible, and logs problems when they change.
func (m *Manager) publish(n api.Network, s *api.NetworkStatus, problems []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inForce = n
	if s == nil {
		m.status.Problems = problems
		return
	}
	if m.pending != nil {
		p := m.pending.PendingNetwork
		s.Pending = &p
	}
	m.status = *s
	var told []string
	for _, p := range s.Ports {
		for _, text := range p.Problems {
			told = append(told, p.Name+": "+text)
		}
	}
	told = append(told, problems...)
	if !slices.Equal(told, m.told) && len(told) > 0 {
		m.log.Warn("network", "problems", told)
	}
	m.told = told
}

// NTP are the time servers that came with the leases.
func (m *Manager) NTP() []netip.Addr {
	var out []netip.Addr
	for _, p := range m.Status().Ports {
		if p.Lease != nil {
			out = append(out, p.Lease.NTP...)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
