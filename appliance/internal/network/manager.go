package network

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// ConfirmTime is how long a change waits to be confirmed.
const ConfirmTime = 90 * time.Second

// Pending is a change that is in force but not confirmed.
type Pending struct {
	api.PendingNetwork

	Who   state.Actor `json:"who"`
	Match *uint64     `json:"match"` // the section's revision that it was made from; nil: whatever there is
}

// Store keeps what the network should be. What a call changed is on the disk
// when it returns.
type Store interface {
	Network() (api.Network, error)
	Pending() (p Pending, found bool, err error)
	SetPending(Pending) error
	DropPending() error
	// Keep makes the pending change the network, and no longer pending.
	Keep(Pending) error
}

// What is wrong with a question about a change.
var (
	ErrPending   = errors.New("another change waits to be confirmed: confirm it, or take it back, or wait until it goes by itself")
	ErrNone      = errors.New("no such change waits to be confirmed: it was taken back in the meantime, or confirmed already")
	ErrElsewhere = errors.New("a change can only be confirmed through one of the addresses that the box has now")
	ErrEarly     = errors.New("the change is not in force yet: try again in a moment")
)

// Propose puts the network into force a moment later, so that the answer
// still finds its way, and takes it back after [ConfirmTime] unless
// [Manager.Confirm] is called. from is the box's address at which it was asked.
func (m *Manager) Propose(ctx context.Context, n api.Network, who state.Actor, match *uint64, from netip.Addr) (api.PendingNetwork, error) {
	var out api.PendingNetwork
	if err := n.Validate(); err != nil {
		return out, err
	}
	err := m.call(ctx, func() (err error) {
		out, err = m.propose(ctx, n, who, match, from)
		return err
	})
	return out, err
}

// Confirm keeps the pending change. at is the box's address at which the
// confirmation arrived: it proves that the box can be reached there.
func (m *Manager) Confirm(ctx context.Context, id string, at netip.Addr) error {
	return m.call(ctx, func() error { return m.confirm(id, at) })
}

// TakeBack undoes the pending change now.
func (m *Manager) TakeBack(ctx context.Context, id string) error {
	return m.call(ctx, func() error {
		if m.pending == nil || m.pending.ID != id {
			return ErrNone
		}
		m.log.Info("network change taken back", "id", id)
		return m.rollBack()
	})
}

// Status is what the network is like, a second old at most.
func (m *Manager) Status() api.NetworkStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	if s.Pending != nil {
		p := *s.Pending
		p.Seconds = max(0, int(time.Until(m.due).Seconds()))
		s.Pending = &p
	}
	return s
}

// Current is the network in force, confirmed or not.
func (m *Manager) Current() api.Network {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inForce
}

// call has the manager's goroutine run f.
func (m *Manager) call(ctx context.Context, f func() error) error {
	answer := make(chan error, 1)
	select {
	case m.calls <- func() { answer <- f() }:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
