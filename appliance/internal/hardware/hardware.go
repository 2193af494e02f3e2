// Package hardware reads how the machine is: temperatures, disks, memory,
// network cards, and what its kernel cannot do. It only looks.
package hardware

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"meetbox.local/appliance/api"
)

// Limits beyond which a person is told.
const (
	worn    = 90      // percent
	minFree = 5       // percent of the storage
	spare   = 1 << 20 // bytes; with less of it nothing more can be kept
	minRAM  = 5       // percent of the memory
	noLimit = 95      // °C, for sensors that name none
	sector  = 512     // of /sys/class/block/*/size
	kibi    = 1 << 10 // of /proc/meminfo
)

// Machine is where to look.
type Machine struct {
	Root fs.FS  // "/"
	Boot string // the disk that the box runs from, as in "nvme0n1"
	// Smart asks an NVMe disk for its log; nil: nobody is asked.
	Smart func(disk string) (Smart, error)
}

// Look returns what can be found out. Storage and Boots are the caller's.
func (m Machine) Look(storage api.Storage, boots api.Boots) api.Hardware {
	h := api.Hardware{Storage: storage, Boots: boots}
	h.Temperatures = m.temperatures()
	h.Disks = m.disks()
	h.Memory = m.memory()
	h.Cards = m.cards()
	_, err := fs.Stat(m.Root, "dev/watchdog")
	h.Watchdog = err == nil
	h.Missing = m.missing(h.Watchdog)
	h.Problems = problems(h)
	return h
}

func (m Machine) text(name string) string {
	b, err := fs.ReadFile(m.Root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (m Machine) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(m.text(name), 10, 64)
	return n, err == nil
}

func (m Machine) glob(pattern string) []string {
	names, err := fs.Glob(m.Root, pattern)
	if err != nil {
		panic(err) // the patterns are in this file
	}
	return names
}

func (m Machine) temperatures() []api.Temperature {
	out := []api.Temperature{}
	for _, name := range m.glob("sys/class/hwmon/*/temp*_input") {
		value, ok := m.number(name)
		if !ok {
			continue
		}
		stem := strings.TrimSuffix(name, "input")
		t := api.Temperature{Name: m.text(path.Dir(name) + "/name"), Celsius: float64(value) / 1000}
		if label := m.text(stem + "label"); label != "" {
			t.Name += " " + label
		}
		for _, kind := range []string{"crit", "max"} {
			// Some drivers have a limit of absolute zero, or beyond reason.
			if v, ok := m.number(stem + kind); ok && t.Limit == 0 && v > 40_000 && v < 150_000 {
				t.Limit = float64(v) / 1000
			}
		}
		out = append(out, t)
	}
	return out
}

// Disks are the names of all disks in the machine.
func (m Machine) Disks() []string {
	var out []string
	for _, name := range m.glob("sys/class/block/*") {
		disk := path.Base(name)
		if _, err := fs.Stat(m.Root, name+"/partition"); err == nil {
			continue
		}
		switch strings.TrimRight(disk, "0123456789") {
		case "loop", "ram", "sr", "fd", "zram", "dm-", "md", "mtdblock":
			continue
		}
		if size, ok := m.number(name + "/size"); ok && size > 0 {
			out = append(out, disk)
		}
	}
	return out
}

// Disk says what is known of a disk without asking it.
func (m Machine) Disk(name string) api.DiskHealth {
	dir := "sys/class/block/" + name
	size, _ := m.number(dir + "/size")
	model := strings.Join(strings.Fields(m.text(dir+"/device/vendor")+" "+m.text(dir+"/device/model")), " ")
	if strings.HasPrefix(m.text(dir+"/device/vendor"), "0x") { // a number of the bus
		model = m.text(dir + "/device/model")
	}
	if model == "" {
		model = "disk"
	}
	return api.DiskHealth{Name: name, Model: model, Size: size * sector, Boot: name == m.Boot}
}

// OnUSB says whether the disk is connected by USB.
func (m Machine) OnUSB(disk string) bool {
	at, err := fs.ReadLink(m.Root, "sys/class/block/"+disk)
	return err == nil && disk != "" && strings.Contains(at, "/usb")
}

func (m Machine) disks() []api.DiskHealth {
	out := []api.DiskHealth{}
	for _, name := range m.Disks() {
		d := m.Disk(name)
		if m.Smart != nil && strings.HasPrefix(name, "nvme") {
			if s, err := m.Smart(name); err == nil {
				d.Wear, d.MediaErrors, d.UnsafeOff = &s.Used, s.MediaErrors, s.UnsafeOff
				d.PoweredHours, d.CriticalState = s.Hours, s.Critical
			}
		}
		// eMMC says it in tens of percent, of two kinds of cells (JESD84-B51).
		for f := range strings.FieldsSeq(m.text("sys/class/block/" + name + "/device/life_time")) {
			if n, err := strconv.ParseUint(f, 0, 8); err == nil && n > 0 {
				if used := int(n) * 10; d.Wear == nil || used > *d.Wear {
					d.Wear = &used
				}
			}
		}
		out = append(out, d)
	}
	return out
}

func (m Machine) memory() (out api.Memory) {
	for line := range strings.Lines(m.text("proc/meminfo")) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			continue
		}
		switch f[0] {
		case "MemTotal:":
			out.Size = n * kibi
		case "MemAvailable:":
			out.Available = n * kibi
		}
	}
	return out
}

func (m Machine) cards() []api.CardHealth {
	out := []api.CardHealth{}
	for _, dir := range m.glob("sys/class/net/*") {
		if _, err := fs.Stat(m.Root, dir+"/device"); err != nil {
			continue // not a card
		}
		c := api.CardHealth{Name: path.Base(dir)}
		for _, kind := range []string{"rx", "tx"} {
			e, _ := m.number(dir + "/statistics/" + kind + "_errors")
			d, _ := m.number(dir + "/statistics/" + kind + "_dropped")
			c.Errors += uint64(max(0, e))
			c.Dropped += uint64(max(0, d))
		}
		out = append(out, c)
	}
	return out
}

// wanted are options of a kernel and what is missed without each.
var wanted = []struct{ option, text string }{
	{"CONFIG_VLAN_8021Q", "VLANs: the kernel has no driver for them."},
	{"CONFIG_MMC", "eMMC and SD cards: the kernel has no driver for them."},
	{"CONFIG_TCG_TPM", "A TPM cannot be used: the kernel has no driver for it."},
	{"CONFIG_MEMCG", "Memory limits for each service: the kernel cannot count memory by service. The services save memory by themselves."},
	{"CONFIG_NF_TABLES", "The packet filter: the kernel has none. Everything may pass."},
	{"CONFIG_SECURITY_LANDLOCK", "Locking services in by files (Landlock): not in the kernel."},
	{"CONFIG_SECCOMP_FILTER", "Locking services in by system calls (seccomp): not in the kernel."},
}

func (m Machine) missing(watchdog bool) []string {
	var out []string
	if has, err := m.options(); err == nil {
		for _, w := range wanted {
			if !has[w.option] {
				out = append(out, w.text)
			}
		}
	}
	if !watchdog {
		out = append(out, "A hardware watchdog: the machine has none, or the kernel no driver for it. A system that hangs whole has to be turned off and on by hand.")
	}
	return out
}

// options are those that the kernel was built with; it shows them itself.
func (m Machine) options() (map[string]bool, error) {
	f, err := m.Root.Open("proc/config.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	s := bufio.NewScanner(io.LimitReader(z, 4<<20))
	for s.Scan() {
		if name, value, ok := strings.Cut(s.Text(), "="); ok && (value == "y" || value == "m") {
			has[name] = true
		}
	}
	return has, errors.Join(s.Err(), z.Close())
}

// problems are sentences for a person, from what was found.
func problems(h api.Hardware) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, t := range h.Temperatures {
		limit := t.Limit
		if limit == 0 {
			limit = noLimit
		}
		if t.Celsius >= limit {
			say("%s has %.0f °C: give the machine more air.", t.Name, t.Celsius)
		}
	}
	for _, d := range h.Disks {
		switch {
		case d.CriticalState:
			say("The disk %s (%s) says that it is about to fail: make a backup and replace it.", d.Name, d.Model)
		case d.Wear != nil && *d.Wear >= worn:
			say("The disk %s (%s) is worn by %d %%: replace it before it fails.", d.Name, d.Model, *d.Wear)
		}
		if d.MediaErrors > 0 {
			say("The disk %s (%s) could not read %d times what it had written: make a backup.", d.Name, d.Model, d.MediaErrors)
		}
	}
	out = append(out, StorageProblems(h.Storage)...)
	if m := h.Memory; m.Size > 0 && m.Available*100/m.Size < minRAM {
		say("The memory is nearly full: %d MiB are free.", m.Available>>20)
	}
	return out
}

// StorageProblems are those of the place for what is kept, for a person.
func StorageProblems(s api.Storage) []string {
	var out []string
	switch {
	case s.ReadOnly:
		out = append(out, "Nothing can be stored any more: the file system is read-only. Make a backup, then restart the box.")
	case s.Size > 0 && s.Free < spare:
		out = append(out, "The storage is full: messages, files and recordings cannot be kept any more. Meetings go on. Remove files or recordings.")
	case s.Size > 0 && s.Free*100/s.Size < minFree:
		out = append(out, fmt.Sprintf("The storage is nearly full: %d MiB are free. Remove files or recordings.", s.Free>>20))
	}
	if s.Errors > 0 {
		out = append(out, fmt.Sprintf("The file system has found %d errors in itself: make a backup, then reset the box and restore it.", s.Errors))
	}
	return out
}

// Real is the machine that this program runs on.
func Real(boot string) Machine { return Machine{Root: os.DirFS("/"), Boot: boot, Smart: AskNVMe} }
