//go:build !linux

package clock

import (
	"errors"
	"time"
)

// System is this machine's clock.
type System struct{}

var errLinux = errors.New("set the clock: only on Linux")

// Now is the time.
func (System) Now() time.Time { return time.Now() }

// Step cannot.
func (System) Step(time.Time) error { return errLinux }

// Slew cannot.
func (System) Slew(time.Duration) error { return errLinux }

// Hardware finds none.
func Hardware() RTC { return nil }
