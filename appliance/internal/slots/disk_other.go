//go:build !linux

package slots

import "errors"

// Open works on the box only.
func Open() (*Disk, error) { return nil, errors.New("slots: only on Linux") }
