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
// children because their parent died. Each is asked once, and killed when it
// does not go.
func endOrphans() error {
	asked := map[int]bool{}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(grace); ; <-look.C {
		left, err := children()
		if err != nil || len(left) == 0 {
			return err
		}
		for _, pid := range left {
			var err error
			switch {
			case time.Now().After(deadline):
				err = syscall.Kill(pid, syscall.SIGKILL)
			case !asked[pid]:
				err = syscall.Kill(pid, syscall.SIGTERM)
				asked[pid] = true
			}
			if err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop process %d: %w", pid, err)
			}
			// Collects it if it has ended, and else returns at once.
			_, err = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			if err != nil && !errors.Is(err, syscall.ECHILD) && !errors.Is(err, syscall.EINTR) {
				return fmt.Errorf("collect process %d: %w", pid, err)
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
