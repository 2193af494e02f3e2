//go:build !linux

package firewall

import "errors"

// ErrKernel means that the kernel has no nf_tables: everything may pass.
var ErrKernel = errors.New("only on Linux")

// Apply works on Linux only.
func Apply(Policy) error { return ErrKernel }
