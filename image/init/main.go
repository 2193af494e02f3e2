// Init is process 1 of the box: it mounts what the kernel does not, makes the
// run folder, and keeps the five services alive until it is told to stop.
//
// gokrazy's Boot does the mounting. Its supervision is not used: that starts
// everything as root, gives up a service that exits with 0, and serves an
// interface through which root runs any program. Here each service has its
// own user, comes back whatever it died of, and nothing listens.
//
// SIGTERM restarts the machine, and so does a service that answers no more for
// minutes (watchdog.go); SIGUSR2 turns it off. What services print is kept in
// RAM, in /run/log. There is no shell to be had but in an image that was built
// with one (debug.go).
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/gokrazy/gokrazy"
	"golang.org/x/sys/unix"
)

// stopTime is how long services have to end by themselves.
const stopTime = 8 * time.Second

func main() {
	log.SetFlags(0)
	log.SetPrefix("init: ")
	// Before anything else: an unhandled one of these would be a kernel panic.
	stop := make(chan os.Signal, 1)
	signal.Ignore(unix.SIGINT, unix.SIGHUP, unix.SIGUSR1)
	signal.Notify(stop, unix.SIGTERM, unix.SIGUSR2)
	dog := openWatchdog()
	if err := boot(); err != nil {
		// Ending is a kernel panic, a restart, and, when this system was never
		// confirmed, the one before it.
		log.Fatal(err)
	}
	box, err := prepare()
	if err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, s := range box.services {
		wg.Go(func() { s.keep(ctx) })
	}
	wg.Go(func() { debugShell(ctx) })
	log.Printf("%d services started %s after the kernel", len(box.services), uptime())
	lost := make(chan string, 1)
	wg.Go(func() { lost <- dog.guard(ctx, names()) })
	failed := make(chan struct{})
	wg.Go(func() {
		if trial(ctx, readCmdline(), confirmedFile, trialTime) {
			close(failed)
		}
	})
	sig := os.Signal(unix.SIGTERM)
	select {
	case sig = <-stop:
		log.Printf("%v: stopping", sig)
	case <-failed:
		log.Print("not confirmed in time: restarting into the system before this one")
	case name := <-lost:
		// From here on the hardware is not fed: should stopping fail too, it
		// restarts the machine.
		log.Printf("no hope for %s: restarting the machine", name)
	}
	cancel()
	wg.Wait()
	if sig == unix.SIGUSR2 {
		dog.disarm()
	}
	down(sig)
}

func boot() error {
	// The version would only be seen in gokrazy's own interface.
	if err := gokrazy.Boot(""); err != nil {
		return fmt.Errorf("boot: %w", err)
	}
	return nil
}

// down ends the machine. It does not return.
func down(sig os.Signal) {
	unix.Sync()
	if err := unix.Mount("", "/perm", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		log.Printf("/perm stays writable: %v", err) // its journal is for that
	}
	how := unix.LINUX_REBOOT_CMD_RESTART
	if sig == unix.SIGUSR2 {
		how = unix.LINUX_REBOOT_CMD_POWER_OFF
	}
	log.Fatal(unix.Reboot(how)) // and if even that fails, a panic restarts it
}

func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano()).Round(10 * time.Millisecond)
}
