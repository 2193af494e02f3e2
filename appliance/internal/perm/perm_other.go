//go:build !linux

package perm

import "errors"

// Grow works on the box only.
func Grow(string) (int64, error) { return 0, errors.New("grow: only on Linux") }
