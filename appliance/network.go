package main

import (
	"errors"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/state"
)

// pendingKey is where the change of the network that waits is kept.
const pendingKey = "pending_network"

// networkStore keeps the network in the box's state.
type networkStore struct{ store *state.Store }

func (s networkStore) Network() (api.Network, error) {
	all, err := s.store.Settings()
	return all.Settings.Network, err
}

func (s networkStore) Pending() (p network.Pending, found bool, err error) {
	err = s.store.View(func(tx *state.Tx) error {
		p, err = state.Get[network.Pending](tx, "machine", pendingKey)
		return err
	})
	if errors.Is(err, state.ErrNone) {
		return p, false, nil
	}
	return p, err == nil, err
}

func (s networkStore) SetPending(p network.Pending) error {
	return s.store.Update(func(tx *state.Tx) error { return state.Put(tx, "machine", pendingKey, p) })
}

func (s networkStore) DropPending() error {
	return s.store.Update(func(tx *state.Tx) error { return state.Delete(tx, "machine", pendingKey) })
}

// Keep is two transactions: a change that is kept and still pending is found
// to be the same at the next start.
func (s networkStore) Keep(p network.Pending) error {
	if _, err := s.store.PutSection(p.Who, "network", p.Match, &p.Network); err != nil {
		return err
	}
	return s.DropPending()
}
