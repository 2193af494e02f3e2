package main

import (
	"encoding/base64"
	"fmt"
	"log"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// settingsFile is on the first partition, where any computer can edit it with
// the disk or stick in hand: for what must be known before the box has an
// address to ask it at.
const settingsFile = "meetbox.txt"

// readSettings returns the settings of the file and of a virtual machine's
// firmware, which go before it, as environment variables for the appliance. It
// leaves out those that cannot be used: a typing mistake must not keep the box
// from starting.
func readSettings() (set []string) {
	for _, source := range []struct {
		name string
		read func() (string, error)
	}{
		{settingsFile, func() (string, error) { return readESP(settingsFile) }},
		{"firmware", readSMBIOS},
	} {
		text, err := source.read()
		if err != nil {
			log.Printf("settings from %s: %v", source.name, err)
		}
		good, wrong := parseSettings(text)
		for _, w := range wrong {
			log.Printf("settings from %s: %s: ignored", source.name, w)
		}
		set = append(set, good...) // of two with the same name the last one counts
	}
	return set
}

func parseSettings(text string) (set, wrong []string) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case name == "MEETBOX_MEDIA_ADDRS" && !addresses(value):
			wrong = append(wrong, fmt.Sprintf("%s=%.80q: want IP addresses with commas between", name, value))
		case name == "MEETBOX_MEDIA_PORT" && !port(value):
			wrong = append(wrong, fmt.Sprintf("%s=%.80q: want a number from 1024 to 65535", name, value))
		case name == "MEETBOX_UPDATE_KEYS" && !keys(value):
			wrong = append(wrong, fmt.Sprintf("%s=%.80q: want public keys of minisign with commas between", name, value))
		case name == "MEETBOX_MEDIA_ADDRS", name == "MEETBOX_MEDIA_PORT", name == "MEETBOX_UPDATE_KEYS":
			set = append(set, name+"="+value)
		default:
			wrong = append(wrong, fmt.Sprintf("unknown setting %.40q", name))
		}
	}
	return set, wrong
}

func port(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= 1024
}

func addresses(list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		a, err := netip.ParseAddr(part)
		if part != "" && (err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast()) {
			return false
		}
	}
	return true
}

// keys are 42 bytes each, in base64; the appliance looks closer.
func keys(list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil || len(b) != 42 {
			return false
		}
	}
	return true
}

// readESP reads a file of the first partition.
func readESP(name string) (string, error) {
	device, err := espDevice()
	if err != nil {
		return "", err
	}
	const at = "/run/esp"
	if err := os.MkdirAll(at, 0o700); err != nil {
		return "", err
	}
	if err := unix.Mount(device, at, "vfat", unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_NOSUID, ""); err != nil {
		return "", fmt.Errorf("mount %s: %w", device, err)
	}
	defer func() {
		if err := unix.Unmount(at, 0); err != nil {
			log.Printf("unmount %s: %v", device, err)
		}
	}()
	root, err := os.OpenRoot(at)
	if err != nil {
		return "", err
	}
	defer root.Close()
	b, err := root.ReadFile(name)
	return string(b[:min(len(b), 4096)]), err
}

// espDevice is the first partition of the disk whose fourth is /perm.
func espDevice() (string, error) {
	b, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == permDir {
			if disk, ok := strings.CutSuffix(f[0], "4"); ok {
				return disk + "1", nil
			}
		}
	}
	return "", fmt.Errorf("%s is not mounted", permDir)
}
