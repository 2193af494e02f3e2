package main

import (
	"context"
	"log"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// busybox is in images made by "make image-debug" only. The root file system
// cannot be written to, so that it gets nowhere else.
const busybox = "/bin/busybox"

// debugShell keeps a shell on the serial line, where there is one.
func debugShell(ctx context.Context) {
	if _, err := os.Stat(busybox); err != nil {
		return
	}
	for ctx.Err() == nil {
		tty, err := os.OpenFile("/dev/ttyS0", os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			log.Printf("debug shell: %v", err)
			return
		}
		cmd := exec.CommandContext(ctx, busybox, "sh")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=/bin:/user:/gokrazy", "PS1=debug# ", "ENV=", "HOME=/tmp"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Run(); err != nil && ctx.Err() == nil {
			log.Printf("debug shell: %v", err)
		}
		tty.Close()
		select {
		case <-ctx.Done():
		case <-time.After(firstPause):
		}
	}
}
