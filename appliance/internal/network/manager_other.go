//go:build !linux

package network

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// Manager works on the box only.
type Manager struct {
	calls   chan func()
	mu      sync.Mutex
	status  api.NetworkStatus
	inForce api.Network
	due     time.Time
	pending *Pending
	log     *slog.Logger
}

var errLinux = errors.New("network: only on Linux")

// NewManager makes a manager that does nothing.
func NewManager(_ Store, _ string, log *slog.Logger) *Manager { return &Manager{log: log} }

// Run says that it cannot.
func (m *Manager) Run(context.Context) error { return errLinux }

// NTP are none.
func (m *Manager) NTP() []netip.Addr { return nil }

func (m *Manager) propose(context.Context, api.Network, state.Actor, *uint64, netip.Addr) (api.PendingNetwork, error) {
	return api.PendingNetwork{}, errLinux
}
func (m *Manager) confirm(string, netip.Addr) error { return errLinux }
func (m *Manager) rollBack() error                  { return errLinux }
