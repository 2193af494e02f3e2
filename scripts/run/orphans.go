package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// grace is what an orphaned service gets to stop by itself.
const grace = 5 * time.Second

// endOrphans stops and collects the processes that became this one's
// children because their parent died.
func endOrphans() error {
	deadline := time.Now().Add(grace)
	for sig := syscall.SIGTERM; ; {
		left, err := children()
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			sig = syscall.SIGKILL
		}
		for _, pid := range left {
			if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop process %d: %w", pid, err)
			}
		}
		// Collecting a child that has not ended yet returns at once, with 0.
		for _, pid := range left {
			for range 10 {
				if got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); got != 0 || err != nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
}

// children lists the processes whose parent this one is.
func children() ([]int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("find child processes: %w", err)
	}
	var out []int
	for _, t := range tasks {
		b, err := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		if err != nil {
			continue // the thread ended meanwhile
		}
		for f := range strings.FieldsSeq(string(b)) {
			pid, err := strconv.Atoi(f)
			if err != nil {
				return nil, fmt.Errorf("find child processes: %w", err)
			}
			out = append(out, pid)
		}
	}
	return out, nil
}
