// Imagetest boots the box's disk image in QEMU and looks at it from outside,
// as a person in front of the box and a browser would: on its serial line and
// through its web server.
//
//	imagetest [-accel tcg] [-nice 10] [-pictures DIR] [-only boot|install|update|life|cuts] [-cuts N] out/meetbox.img
//
// It runs in the repository's top folder, after "make ui", whose packages drive
// the browsers.
//
// It never chooses hardware acceleration by itself: a machine may offer one
// that cannot run a UEFI firmware. The last line says how many checks passed
// and failed; serial logs of a failed run are kept beside the image.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// diskSize is that of the disk the image is written to: much more than the
// image, so that growing shows.
const diskSize = 8 << 30

// bootTime is what a boot may take on a busy machine in software emulation.
const bootTime = 20 * time.Minute

// pictures is where to put those that docs/ has.
var pictures = flag.String("pictures", "", "`folder` for pictures of the box's screen and console")

// nice is for QEMU: emulation takes all it gets.
var nice = flag.String("nice", "10", "QEMU's `niceness`")

func main() {
	accel := flag.String("accel", "tcg,thread=multi", "QEMU's `accelerator`")
	only := flag.String("only", "", "one `part`: boot, install, update, life or cuts")
	count := flag.Int("cuts", 6, "`number` of power cuts")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: imagetest [-accel tcg] [-nice 10] [-pictures DIR] [-only boot|install|update|life|cuts] [-cuts N] meetbox.img")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	failed, err := run(ctx, flag.Arg(0), *accel, *only, *count)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "imagetest:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, image, accel, only string, count int) (failed int, err error) {
	dir, err := os.MkdirTemp("", "meetbox")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	r := &report{log: filepath.Join(filepath.Dir(image), "imagetest.log")}
	if only == "" || only == "boot" {
		m := &machine{dir: dir, accel: accel, disk: filepath.Join(dir, "disk.img")}
		if err := m.install(image, diskSize); err != nil {
			return 0, err
		}
		scenario(ctx, m, r)
		if r.failed > 0 {
			r.keep(m)
		}
	}
	if only == "" || only == "install" {
		if err := installs(ctx, image, accel, dir, r); err != nil {
			return 0, err
		}
	}
	if only == "" || only == "update" {
		if err := updates(ctx, image, accel, dir, r); err != nil {
			return 0, err
		}
	}
	if only == "" || only == "life" {
		if err := life(ctx, image, accel, dir, r); err != nil {
			return 0, err
		}
	}
	if only == "" || only == "cuts" {
		if err := cuts(ctx, image, accel, dir, count, r); err != nil {
			return 0, err
		}
	}
	wire.verdict(r)
	fmt.Printf("%d passed, %d failed\n", r.passed, r.failed)
	return r.failed, nil
}

// report counts checks.
type report struct {
	passed, failed int
	log            string // file for what a box said
}

// keep stores what a box said on its serial line.
func (r *report) keep(m *machine) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := os.WriteFile(r.log, []byte(m.logs.String()), 0o644); err == nil {
		fmt.Println("what the box said:", r.log)
	}
}

// check prints the outcome of one check and returns whether it passed.
func (r *report) check(what string, err error) bool {
	if err != nil {
		r.failed++
		fmt.Printf("FAIL %s: %v\n", what, err)
		return false
	}
	r.passed++
	fmt.Println("ok  ", what)
	return true
}

// scenario is the life of a box: first boot, pulled plug, the disk moved to
// another place.
func scenario(ctx context.Context, m *machine, r *report) {
	first, ok := boot(ctx, m, r, "first boot, NVMe", "nvme,serial=meetbox")
	if !ok {
		return
	}
	firstStart := m.answered
	r.check("/perm grown to the disk", grown(m.screen(), diskSize))
	r.check("start page, settings and signaling through the web server", pages(ctx, m))
	r.check("nothing else answers", closed(m))
	c := newConsole(m, first)
	r.check("claimed through the console with the code from the serial line", c.claim(ctx))
	r.check("the screen has no code any more", m.await(ctx, func(screen string) bool { return screen != "" && !setupCode.MatchString(screen) }))
	r.check("two browsers meet through the box, sound and pictures counted", meeting(ctx, m))
	m.cut()

	// One right after the other: how fast this machine is changes with what else it does.
	theirs, err := bare(ctx, m.image, m.accel, m.dir)
	r.check(fmt.Sprintf("a bare gokrazy image answers after %.1f s", theirs.Seconds()), err)
	second, ok := boot(ctx, m, r, "boot after a power cut, NVMe", "nvme,serial=meetbox")
	if !ok {
		return
	}
	if err == nil {
		fmt.Printf("figure: first_boot_vs_bare %.2f ratio\n", firstStart.Seconds()/theirs.Seconds())
		fmt.Printf("figure: boot_vs_bare %.2f ratio\n", m.answered.Seconds()/theirs.Seconds())
	}
	r.check("same certificate authority as before", same(first, second))
	m.cut()

	third, ok := boot(ctx, m, r, "boot after a power cut, USB", "usb-storage,bus=usb.0")
	if !ok {
		return
	}
	r.check("same certificate authority on USB", same(first, third))
	m.cut()
}

// boot starts the machine and waits until all services are well and the pages
// are served. It returns the authority's certificate.
func boot(ctx context.Context, m *machine, r *report, what, device string) (authority string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	begun := time.Now()
	if !r.check(what+": machine started", m.start(device)) {
		return "", false
	}
	authority, err := m.authority(ctx)
	m.answered = time.Since(begun)
	if !r.check(fmt.Sprintf("%s: HTTPS answers, by its own authority, after %.0f s", what, time.Since(begun).Seconds()), err) {
		m.cut()
		return "", false
	}
	err = m.await(ctx, allWell)
	if !r.check(fmt.Sprintf("%s: all five services well after %.0f s", what, time.Since(begun).Seconds()), err) {
		m.cut()
		return "", false
	}
	return authority, true
}

// allWell looks for the status screen's line about the services.
func allWell(screen string) bool {
	return strings.Contains(screen, "appliance ok, signaling ok, focus ok, bridge ok, web ok")
}

func grown(screen string, disk int) error {
	for line := range strings.Lines(screen) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "disk" && f[2] == "MiB" {
			// The two roots and the ESP take less than 1300 MiB.
			if n, err := strconv.Atoi(f[1]); err != nil || n < disk>>20-1300 {
				return fmt.Errorf("%s MiB of %d", f[1], disk>>20)
			}
			return nil
		}
	}
	return fmt.Errorf("the screen does not say")
}

func same(before, after string) error {
	if before != after {
		return fmt.Errorf("it was\n%sand is\n%s", before, after)
	}
	return nil
}
