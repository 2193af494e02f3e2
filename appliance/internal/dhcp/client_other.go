//go:build !linux

package dhcp

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Servers cannot be asked for on this system.
func Servers(context.Context, string, time.Duration) ([]netip.Addr, error) {
	return nil, errors.New("DHCP: only on Linux")
}
