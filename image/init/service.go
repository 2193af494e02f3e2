package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// A service that ends is started again at once if it had run for steady, so
	// that a meeting waits only for its start; one that keeps ending, after
	// firstPause and ever later up to lastPause, so that it leaves the others
	// some processor.
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	steady     = 10 * time.Second

	// A service that could only wait for its settings is started when they are
	// there, so that at a start of the box the processors are first for those
	// who make them and who answer. Should they never come, it says so itself.
	settingsTime  = 30 * time.Second
	settingsEvery = 50 * time.Millisecond
)

// service is one process that has to run.
type service struct {
	name, path string
	args, env  []string
	user       account
	settings   string // the file to wait for before the first start; "" for none
	output     io.Writer
	memory     int64 // bytes beyond which the kernel may end it, where it can count them
	spare      int   // -1000 to 1000: who goes first when the machine has no memory left
}

// keep runs the service again and again until ctx ends, and then until it is
// gone.
func (s *service) keep(ctx context.Context) {
	s.awaitSettings(ctx)
	for pause := time.Duration(0); ; {
		begun := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		pause = pauseAfter(pause, time.Since(begun))
		log.Printf("%s ended (%v), again in %s", s.name, err, pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// pauseAfter is how long the next start waits, after one that waited for last
// and a run of ran.
func pauseAfter(last, ran time.Duration) time.Duration {
	if ran >= steady {
		return 0
	}
	return min(max(2*last, firstPause), lastPause)
}

func (s *service) awaitSettings(ctx context.Context) {
	if s.settings == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settingsTime)
	defer cancel()
	tick := time.NewTicker(settingsEvery)
	defer tick.Stop()
	for {
		if _, err := os.Stat(s.settings); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
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
	if group, err := s.group(); err == nil {
		defer group.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	score := fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid)
	if err := os.WriteFile(score, []byte(strconv.Itoa(s.spare)), 0); err != nil && s.spare != 0 {
		log.Printf("%s: %v", s.name, err) // it may have ended already
	}
	return cmd.Wait()
}

// group is the service's control group, made if need be, with its limits. It
// has one only on the box.
func (s *service) group() (*os.File, error) {
	if s.memory == 0 {
		return nil, errors.ErrUnsupported
	}
	dir := filepath.Join(cgroups, s.name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	for name, value := range map[string]string{
		"pids.max":         strconv.Itoa(maxThreads),
		"memory.max":       strconv.FormatInt(s.memory, 10),
		"memory.oom.group": "1",
	} {
		name = filepath.Join(dir, name)
		if _, err := os.Stat(name); err != nil {
			continue // the kernel does not count that; tune said so
		}
		if err := os.WriteFile(name, []byte(value), 0); err != nil {
			log.Printf("%s: %v", s.name, err)
		}
	}
	return os.Open(dir)
}

const (
	cgroups = "/sys/fs/cgroup"
	// A Go program has about as many threads as processors, and some more
	// while many files are slow.
	maxThreads = 512
)
