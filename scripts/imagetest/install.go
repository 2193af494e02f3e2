package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// internalSize is that of the machine's own disk.
const internalSize = 6 << 30

// installation is the answer of the console.
type installation struct {
	Disks []struct {
		Name, Model, Confirm, Refused string
	}
	Phase, Error string
	Done, Total  int64
}

// installs is the way from a stick to the machine's own disk, and back from
// damage on that.
func installs(ctx context.Context, image, accel, dir string, r *report) error {
	inner := filepath.Join(dir, "internal.img")
	m := &machine{dir: dir, accel: accel, disk: filepath.Join(dir, "stick.img")}
	if err := m.install(image, diskSize/2); err != nil {
		return err
	}
	if err := os.WriteFile(inner, nil, 0o644); err != nil {
		return err
	}
	if err := os.Truncate(inner, internalSize); err != nil {
		return err
	}
	m.more = []string{"-drive", "if=none,id=inner,format=raw,file=" + inner, "-device", "nvme,serial=inner,drive=inner"}
	stick, ok := boot(ctx, m, r, "stick beside an empty disk, USB", "usb-storage,bus=usb.0")
	if !ok {
		r.keep(m)
		return nil
	}
	c := newConsole(m, stick)
	ok = r.check("claimed with the code from the serial line", c.claim(ctx)) &&
		r.check("the screen offers to install it", m.await(ctx, func(screen string) bool { return strings.Contains(screen, "to install it to a disk of this machine") })) &&
		r.check("the machine says how it is", healthy(ctx, c)) &&
		r.check("not installed without the words that name the disk", refused(ctx, c)) &&
		r.check("installed to the machine's own disk", install(ctx, c))
	m.cut()
	if !ok {
		r.keep(m)
		return nil
	}

	// Alone.
	own := &machine{dir: dir, accel: accel, disk: inner}
	first, ok := boot(ctx, own, r, "the machine's own disk alone, NVMe", "nvme,serial=inner")
	if !ok {
		r.keep(own)
		return nil
	}
	r.check("storage grown to the disk", grown(own.screen(), internalSize))
	r.check("it is a new box", differ(stick, first))
	own.cut()

	// With the stick, whose partitions had the same names once; and damaged as
	// no power cut does it.
	r.check("the beginning of the storage overwritten", damage(inner))
	own.more = []string{"-drive", "if=none,id=stick,format=raw,file=" + m.disk, "-device", "usb-storage,bus=usb.0,drive=stick"}
	second, ok := boot(ctx, own, r, "damaged storage, with the stick still in, NVMe", "nvme,serial=inner")
	if !ok {
		r.keep(own)
		return nil
	}
	r.check("what was stored is still there, and the disk's own", same(first, second))
	r.check("the screen says what happened", own.await(ctx, func(screen string) bool { return strings.Contains(screen, "was made anew") }))
	own.cut()
	return nil
}

func healthy(ctx context.Context, c *console) error {
	var h struct {
		Disks   []struct{ Boot bool }
		Boots   struct{ Count, Cuts int }
		Storage struct{ Size, Free int64 }
		Memory  struct{ Size int64 }
		Missing []string
	}
	if err := c.ask(ctx, http.MethodGet, "/api/v1/hardware", nil, &h); err != nil {
		return err
	}
	if len(h.Disks) != 2 || h.Boots.Count != 1 || h.Boots.Cuts != 0 || h.Storage.Free <= 0 || h.Memory.Size <= 0 {
		return fmt.Errorf("%+v", h)
	}
	if !strings.Contains(strings.Join(h.Missing, " "), "VLAN") {
		return fmt.Errorf("it does not say what its kernel lacks: %q", h.Missing)
	}
	return nil
}

func refused(ctx context.Context, c *console) error {
	var s installation
	if err := c.ask(ctx, http.MethodGet, "/api/v1/install", nil, &s); err != nil {
		return err
	}
	if len(s.Disks) != 1 || !strings.Contains(s.Disks[0].Confirm, s.Disks[0].Name) {
		return fmt.Errorf("disks %+v", s.Disks)
	}
	for _, q := range []map[string]string{
		{"disk": s.Disks[0].Name},
		{"disk": s.Disks[0].Name, "confirm": "yes"},
		{"disk": "sda", "confirm": s.Disks[0].Confirm},
	} {
		if err := c.ask(ctx, http.MethodPost, "/api/v1/install", q, nil); code(err) == "" {
			return fmt.Errorf("%v: %w", q, errors.Join(errors.New("not refused"), err))
		}
	}
	return nil
}

func install(ctx context.Context, c *console) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	var s installation
	if err := c.ask(ctx, http.MethodGet, "/api/v1/install", nil, &s); err != nil {
		return err
	}
	q := map[string]string{"disk": s.Disks[0].Name, "confirm": s.Disks[0].Confirm}
	if err := c.ask(ctx, http.MethodPost, "/api/v1/install", q, &s); err != nil {
		return err
	}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		err := c.ask(ctx, http.MethodGet, "/api/v1/install", nil, &s)
		switch {
		case err == nil && s.Phase == "done":
			return c.m.await(ctx, func(screen string) bool { return strings.Contains(screen, "take out the stick") })
		case err == nil && s.Phase != "writing":
			return fmt.Errorf("%s: %s", s.Phase, s.Error)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; %d of %d bytes, %w", context.Cause(ctx), s.Done, s.Total, err)
		case <-tick.C:
		}
	}
}

func differ(a, b string) error {
	if a == b {
		return errors.New("it has the stick's certificate authority")
	}
	return nil
}

// damage overwrites the first block of the storage, with its superblock.
func damage(disk string) error {
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	entry := make([]byte, 128)
	if _, err := f.ReadAt(entry, 2*512+3*128); err != nil { // the fourth of the table
		return err
	}
	at := int64(binary.LittleEndian.Uint64(entry[32:])) * 512
	block := make([]byte, 4096)
	if _, err := f.ReadAt(block, at); err != nil {
		return err
	}
	if !bytes.Equal(block[1024+0x38:1024+0x3a], []byte{0x53, 0xef}) {
		return errors.New("there is no file system")
	}
	_, err = f.WriteAt(make([]byte, len(block)), at)
	return err
}

// bare boots gokrazy's own system, with nothing but a word to say, and returns
// how long that took.
func bare(ctx context.Context, image, accel, dir string) (time.Duration, error) {
	out := filepath.Dir(image)
	if b, err := exec.CommandContext(ctx, "nice", "-n", "10", "scripts/bare.sh", out).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("bare.sh: %w\n%s", err, b)
	}
	m := &machine{dir: dir, accel: accel, disk: filepath.Join(dir, "bare.img"), foreign: true}
	if err := m.install(filepath.Join(out, "bare.img"), diskSize); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	begun := time.Now()
	if err := m.start("nvme,serial=bare"); err != nil {
		return 0, err
	}
	defer m.cut()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		text, err := get(ctx, http.DefaultClient, fmt.Sprintf("http://localhost:%d/", m.http))
		if err == nil && strings.HasPrefix(text, "hello") {
			return time.Since(begun), nil
		}
		select {
		case <-ctx.Done():
			return 0, errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
