package screen

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

// hands writes down what it was asked to do.
type hands struct {
	done    []Act
	install []api.InstallRequest
	err     error
}

func (h *hands) Network() api.NetworkStatus {
	return api.NetworkStatus{Ports: []api.PortStatus{{
		Name: "eth0", Card: "02:00:00:00:00:01", Role: api.Uplink, Cable: true, Mbits: 1000,
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}, Problems: []string{"two DHCP servers answer"},
	}}}
}

func (h *hands) Install() api.Install {
	return api.Install{Disks: []api.InstallDisk{
		{Name: "nvme0n1", Model: "Disk One", Size: 16e9, Confirm: "erase nvme0n1 (Disk One, 16.0 GB)"},
		{Name: "sdb", Model: "Small", Size: 1e9, Refused: "It is too small."},
	}}
}

func (h *hands) BeginInstall(r api.InstallRequest) error {
	h.install = append(h.install, r)
	return h.err
}
func (h *hands) Do(a Act) error { h.done = append(h.done, a); return h.err }

func TestMenu(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, keys string
		err        error
		done       Act
		install    string // disk
		want       string // on the screen at the end; "": closed
	}{
		{name: "closed", keys: "123456reset\r"},
		{name: "open", keys: "m", want: "Press a number"},
		{name: "left again", keys: "m\x1b"},
		{name: "addresses", keys: "M1", want: "192.0.2.7/24"},
		{name: "and back", keys: "m1 ", want: "Press a number"},
		{name: "DHCP", keys: "m2dhcp\r", done: DHCP, want: "stops now"},
		{name: "another word", keys: "m2dchp\r", want: "Nothing was changed"},
		{name: "a word mended", keys: "m2dc\x7fHCP\n", done: DHCP, want: "stops now"},
		{name: "reset is asked twice", keys: "m4reset\r", want: "Really"},
		{name: "reset refused", keys: "m4reset\rn", want: "Nothing was changed"},
		{name: "reset", keys: "m4reset\ry", done: Reset, want: "stops now"},
		{name: "restart", keys: "m5restart\r", done: Restart, want: "stops now"},
		{name: "off", keys: "m6off\r", done: TurnOff, want: "stops now"},
		{name: "off fails", keys: "m6off\r", err: errors.New("no"), done: TurnOff, want: "did not work: no"},
		{name: "code", keys: "m7code\r", done: NewCode},
		{name: "disks", keys: "m3", want: "nvme0n1  Disk One  16.0 GB"},
		{name: "a disk that is none", keys: "m39", want: "Press a number"},
		{name: "a small one", keys: "m32", want: "too small"},
		{name: "install, once confirmed", keys: "m31erase nvme0n1\r", want: "Really erase nvme0n1, Disk One, 16.0 GB?"},
		{name: "install", keys: "m31erase nvme0n1\ry", install: "nvme0n1"},
		{name: "install not wanted", keys: "m31erase nvme0n1\r\r", want: "Nothing was changed"},
		{name: "install fails", keys: "m31erase nvme0n1\ry", err: errors.New("in use"), install: "nvme0n1", want: "in use"},
	}
	for _, tc := range tests {
		h := &hands{err: tc.err}
		m := NewMenu(h)
		for _, k := range []byte(tc.keys) {
			m.Key(k)
		}
		if m.Open() != (tc.want != "") || m.Open() && !strings.Contains(m.Text(), tc.want) {
			t.Errorf("%s: open %v, %q not in\n%s", tc.name, m.Open(), tc.want, m.Text())
		}
		if tc.done == 0 && len(h.done) > 0 || tc.done != 0 && (len(h.done) != 1 || h.done[0] != tc.done) {
			t.Errorf("%s: done %v, want %v", tc.name, h.done, tc.done)
		}
		if tc.install == "" && len(h.install) > 0 || tc.install != "" && (len(h.install) != 1 || h.install[0].Disk != tc.install || h.install[0].Confirm == "") {
			t.Errorf("%s: installed %v, want %v", tc.name, h.install, tc.install)
		}
	}
}

// No keys lead to anything without its word having been typed.
func FuzzMenu(f *testing.F) {
	f.Add("m4reset\ry")
	f.Add("m31erase nvme0n1\ry")
	f.Fuzz(func(t *testing.T, keys string) {
		h := &hands{}
		m := NewMenu(h)
		for _, k := range []byte(keys) {
			m.Key(k)
			if m.Open() {
				m.Text()
			}
		}
		low := strings.ToLower(keys)
		for _, a := range h.done {
			if a == Reset && !(strings.Contains(low, "t\ry") || strings.Contains(low, "t\ny") || strings.ContainsAny(low, "\x08\x7f")) {
				t.Errorf("%q reset the box", keys)
			}
		}
		if len(h.install) > 0 && !strings.Contains(low, "e") {
			t.Errorf("%q erased a disk", keys)
		}
	})
}
