//go:build !linux

package hardware

import "errors"

// AskNVMe works on Linux only.
func AskNVMe(string) (Smart, error) { return Smart{}, errors.ErrUnsupported }
