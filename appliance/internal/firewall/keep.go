package firewall

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	lookEvery  = time.Second
	keepNames  = 5 * time.Minute  // addresses of a name
	retryNames = 30 * time.Second // after nobody knew it
	askTime    = 5 * time.Second
)

// Wanted is a policy whose targets may have names still.
type Wanted struct {
	Policy
	Hosts []Host
	DNS   []netip.Addr // who may be asked for the names, if there are any
}

// Host is a name or an address.
type Host struct {
	Name string
	UDP  bool
	Port uint16
}

// Keeper keeps the kernel's rules in step with what is wanted.
type Keeper struct {
	look   func() Wanted
	apply  func(Policy) error
	lookup func(context.Context, string) ([]netip.Addr, error)
	log    *slog.Logger
	names  map[string]answer

	mu      sync.Mutex
	problem string
}

type answer struct {
	addrs []netip.Addr
	until time.Time
}

// NewKeeper returns one that asks look, about every second, what is wanted.
func NewKeeper(look func() Wanted, log *slog.Logger) *Keeper {
	return &Keeper{look: look, apply: Apply, lookup: lookup, log: log, names: map[string]answer{}}
}

func lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// Problem says why the rules are not in force; empty when they are. Safe for
// concurrent use.
func (k *Keeper) Problem() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.problem
}

// Run keeps the rules until ctx ends; they stay in force then.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	inForce := ""
	for {
		p := k.policy(ctx)
		if text := p.String(); text != inForce && ctx.Err() == nil {
			if k.put(p) {
				inForce = text
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (k *Keeper) put(p Policy) bool {
	err := k.apply(p)
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.problem
	k.problem = ""
	if err != nil {
		k.problem = err.Error()
		if before != k.problem {
			k.log.Error("packets are not filtered", "err", err)
		}
		return false
	}
	k.log.Info("packet filter changed", "networks", p.Own, "targets", len(p.Out))
	return true
}

// policy is what is wanted now, with addresses for names. While a name is
// being looked up for the first time, its questions must get out: that is the
// next policy.
func (k *Keeper) policy(ctx context.Context) Policy {
	w := k.look()
	p := w.Policy
	p.Out = slices.Clone(p.Out)
	named := false
	for _, h := range w.Hosts {
		addrs := []netip.Addr{}
		if a, err := netip.ParseAddr(h.Name); err == nil {
			addrs = append(addrs, a.Unmap())
		} else {
			named = true
			addrs = k.resolve(ctx, h.Name)
		}
		for _, a := range addrs {
			p.Out = append(p.Out, Target{a, h.UDP, h.Port})
		}
	}
	if named {
		for _, a := range w.DNS {
			p.Out = append(p.Out, Target{a, true, 53}, Target{a, false, 53})
		}
	}
	return p
}

func (k *Keeper) resolve(ctx context.Context, name string) []netip.Addr {
	now := time.Now()
	old, asked := k.names[name]
	if !asked {
		k.names[name] = answer{until: now} // the servers are let through first
		return nil
	}
	if now.Before(old.until) {
		return old.addrs
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	addrs, err := k.lookup(ctx, name)
	if err != nil || len(addrs) == 0 {
		k.names[name] = answer{old.addrs, now.Add(retryNames)} // the old ones may still be right
		return old.addrs
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	k.names[name] = answer{addrs, now.Add(keepNames)}
	return addrs
}
