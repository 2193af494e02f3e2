package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/arp"
	"meetbox.local/appliance/internal/dhcp"
)

// clashTime without hearing of another device with the box's address ends
// the warning.
const clashTime = time.Minute

// worker is something that runs beside the manager for one link.
type worker struct {
	cancel context.CancelFunc
	index  int
	addr   netip.Addr
	done   bool
}

// hold takes a fixed address out of the plan while another device has it.
func (m *Manager) hold(ctx context.Context, p *port) {
	addr := p.static.Addr()
	if !addr.IsValid() || p.role == api.PortOff || p.vlan != 0 {
		return
	}
	if g := m.guards[p.name]; g != nil && g.addr == addr && !g.done {
		return // ours and watched
	}
	who := m.owner(ctx, p.name, addr)
	if who == nil {
		delete(m.taken, addr)
		return
	}
	m.taken[addr] = fmt.Sprintf("The device %s has the address %s, which this box should have. It is not used until that device gives it up: turn the device off, or give the box another address.", who, addr)
	p.addrs = slices.DeleteFunc(slices.Clone(p.addrs), func(a netip.Prefix) bool { return a.Addr() == addr })
}

// workers starts and stops DHCP clients and guards of fixed addresses.
func (m *Manager) workers(ctx context.Context, all map[string]link, ports []port) {
	clients, guards := map[string]port{}, map[string]port{}
	for _, p := range ports {
		l := all[p.name]
		if l == nil || p.role == api.PortOff || !hasCable(l) {
			continue
		}
		if p.dhcp {
			clients[p.name] = p
		} else if p.static.IsValid() && m.taken[p.static.Addr()] == "" {
			guards[p.name] = p
		}
	}
	stop := func(have map[string]*worker, want map[string]port) {
		for name, w := range have {
			p, ok := want[name]
			if !ok || w.done || w.index != all[name].Attrs().Index || w.addr.IsValid() && w.addr != p.static.Addr() {
				w.cancel()
				delete(have, name)
			}
		}
	}
	stop(m.clients, clients)
	stop(m.guards, guards)
	for name := range clients {
		if m.clients[name] == nil {
			m.clients[name] = m.start(ctx, all[name].Attrs().Index, netip.Addr{}, func(ctx context.Context, w *worker) { m.lend(ctx, w, name) })
		}
	}
	for name, p := range guards {
		if m.guards[name] == nil {
			m.guards[name] = m.start(ctx, all[name].Attrs().Index, p.static.Addr(), func(ctx context.Context, w *worker) { m.guard(ctx, w, name) })
		}
	}
	for name := range m.clash { // of a guard that is no more
		if m.guards[name] == nil {
			delete(m.clash, name)
		}
	}
	for name := range m.said { // and of such a client
		if m.clients[name] == nil {
			delete(m.said, name)
		}
	}
	for name := range m.leases { // the card may come back; another setting begins anew
		if i := slices.IndexFunc(ports, func(p port) bool { return p.name == name }); i >= 0 && !ports[i].dhcp && m.pending == nil {
			delete(m.leases, name)
		}
	}
}

func (m *Manager) start(ctx context.Context, index int, addr netip.Addr, f func(context.Context, *worker)) *worker {
	ctx, cancel := context.WithCancel(ctx)
	w := &worker{cancel: cancel, index: index, addr: addr}
	m.wg.Go(func() {
		defer cancel()
		f(ctx, w)
		m.event(ctx, w, func() { w.done = true })
	})
	return w
}

// event has the manager's goroutine run f, unless the worker was stopped.
func (m *Manager) event(ctx context.Context, _ *worker, f func()) {
	select {
	case m.events <- func() {
		if ctx.Err() == nil {
			f()
		}
	}:
	case <-ctx.Done():
	}
}

// lend runs a DHCP client.
func (m *Manager) lend(ctx context.Context, w *worker, name string) {
	old := make(chan api.Lease, 1)
	m.event(ctx, w, func() { old <- m.leases[name] })
	c := &dhcp.Client{Link: name, Host: DHCPName, Log: m.log, Report: func(s dhcp.State) {
		m.event(ctx, w, func() {
			m.leases[name], m.said[name] = s.Lease, s.Problem
			if !s.Lease.Address.IsValid() {
				delete(m.leases, name)
			}
		})
	}}
	select {
	case c.Old = <-old:
	case <-ctx.Done():
		return
	}
	if err := c.Run(ctx); err != nil && ctx.Err() == nil {
		m.event(ctx, w, func() { m.said[name] = sentence(err) })
	}
	pause(ctx, answerTime)
}

// guard watches a fixed address, and keeps it: only a person can say who of
// the two should have another.
func (m *Manager) guard(ctx context.Context, w *worker, name string) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return
	}
	c, err := arp.Listen(i)
	if err != nil {
		return
	}
	defer c.Close()
	if err := c.Announce(w.addr); err != nil {
		m.log.Debug("address not announced", "link", name, "err", err)
	}
	for {
		quiet, cancel := context.WithTimeout(ctx, clashTime)
		who, err := c.Watch(quiet, w.addr)
		cancel()
		text := ""
		switch {
		case ctx.Err() != nil, err != nil && quiet.Err() == nil:
			return
		case who != nil:
			text = fmt.Sprintf("The device %s uses the address %s of this box too. Both can hardly be reached: give one of them another address.", who, w.addr)
			if err := c.Announce(w.addr); err != nil { // RFC 5227, 2.4: defend it
				return
			}
		}
		m.event(ctx, w, func() { m.clash[name] = text })
		if who != nil {
			pause(ctx, 2*checkEvery) // but not in a quarrel without end
		}
	}
}
