//go:build !linux

package network

import (
	"context"
	"errors"
)

// Addresses lists the machine's usable addresses, best first.
func Addresses() ([]Address, error) { return portable() }

// Watch cannot watch on this system; the caller has to look now and then.
func Watch(context.Context, func()) error {
	return errors.New("watch the network: only on Linux")
}
