//go:build !linux

package perm

import (
	"errors"
	"time"

	"meetbox.local/appliance/api"
)

// Grow works on the box only.
func Grow(string) (int64, error) { return 0, errors.New("grow: only on Linux") }

// Trim works on the box only.
func (l *Life) Trim(string, time.Time) (uint64, error) { return 0, errors.ErrUnsupported }

// Storage works on the box only.
func Storage(string) (api.Storage, error) { return api.Storage{}, errors.ErrUnsupported }

// Disk works on the box only.
func Disk(string) (string, error) { return "", errors.ErrUnsupported }
