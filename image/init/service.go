package main

import (
	"context"
	"io"
	"log"
	"os/exec"
	"syscall"
	"time"
)

const (
	// A service that ends is started again after firstPause; one that keeps
	// ending, ever later up to lastPause, so that it leaves the others some
	// processor. Having run for steady proves it well again.
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	steady     = 10 * time.Second
)

// service is one process that has to run.
type service struct {
	name, path string
	args, env  []string
	user       account
	output     io.Writer
}

// keep runs the service again and again until ctx ends, and then until it is
// gone.
func (s *service) keep(ctx context.Context) {
	for pause := firstPause; ; {
		begun := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) >= steady {
			pause = firstPause
		}
		log.Printf("%s ended (%v), again in %s", s.name, err, pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// once runs the service until it ends; when ctx ends it is asked to, and
// after stopTime made to.
func (s *service) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.path, s.args...)
	cmd.Dir = "/"
	cmd.Env = s.env
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true, // no signal from a terminal, no terminal at all
		Credential: &syscall.Credential{Uid: uint32(s.user.uid), Gid: uint32(s.user.gid)},
	}
	return cmd.Run()
}
