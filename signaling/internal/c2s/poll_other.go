//go:build !linux

package c2s

import "errors"

// poll is nothing here: every connection has a goroutine.
type poll struct{}

func openPoll() (*poll, error) { return nil, errors.ErrUnsupported }

func (*poll) arm(uintptr, int32, bool) error { return errors.ErrUnsupported }

func (*poll) next() ([]int32, error) { return nil, errors.ErrUnsupported }

func (*poll) close() {}
