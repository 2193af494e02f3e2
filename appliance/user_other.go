//go:build !linux

package main

import (
	"errors"
	"syscall"
)

func as(string) (*syscall.SysProcAttr, error) { return nil, errors.New("only on Linux") }
