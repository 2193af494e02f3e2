//go:build !linux

package install

import "errors"

func devices(string, string, string, func(done, total int64)) error { return errors.ErrUnsupported }
