// Package checks keeps the reports that people send from the page /check. They
// come from anybody, so that their number is bounded, in all and by address.
package checks

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/atomicfile"
	"meetbox.local/appliance/kit/tally"
)

// FileName is the file in the state folder.
const FileName = "checks.json"

const (
	// keep is how many reports are kept; the oldest make room.
	keep = 200
	// perAddress is how many one address may send in an hour.
	perAddress = 6
	// known bounds the addresses that are remembered.
	known = 4096
)

// ErrTooOften means that the address has sent enough for now.
var ErrTooOften = errors.New("too many reports from this address")

// Box keeps reports. It is safe for concurrent use.
type Box struct {
	folder *os.Root // nil: in memory only
	now    func() time.Time

	mu      sync.Mutex
	reports []api.ReceivedCheck // the oldest first
	sent    map[netip.Prefix][]time.Time
}

// Open reads what was kept; a file that cannot be read is begun anew, with an
// error that says so.
func Open(folder *os.Root, now func() time.Time) (*Box, error) {
	b := &Box{folder: folder, now: now, sent: map[netip.Prefix][]time.Time{}}
	if folder == nil {
		return b, nil
	}
	text, err := folder.ReadFile(FileName)
	if err == nil {
		err = json.Unmarshal(text, &b.reports)
	}
	if err != nil {
		b.reports = nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return b, err
}

// allow tells whether the address may do something again that it may do n
// times in an hour. It is counted.
func (b *Box) allow(from netip.Addr, n int) bool {
	now, h := b.now(), tally.Home(from)
	times := slices.DeleteFunc(b.sent[h], func(t time.Time) bool { return now.Sub(t) > time.Hour })
	if len(times) >= n {
		b.sent[h] = times
		return false
	}
	if len(b.sent) >= known {
		clear(b.sent)
	}
	b.sent[h] = append(times, now)
	return true
}

// Add keeps a valid report. ErrTooOften.
func (b *Box) Add(from netip.Addr, r api.CheckReport) (id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.allow(from, perAddress) {
		return "", ErrTooOften
	}
	id = strings.ToUpper(rand.Text()[:6])
	b.reports = append(b.reports, api.ReceivedCheck{ID: id, At: b.now().UTC(), From: from.String(), Report: r})
	if n := len(b.reports); n > keep {
		b.reports = slices.Delete(b.reports, 0, n-keep)
	}
	return id, b.save()
}

// List are all reports, the newest first.
func (b *Box) List() []api.ReceivedCheck {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.reports)
	slices.Reverse(out)
	return out
}

// Remove forgets a report, and tells whether it was there; "" is all of them.
func (b *Box) Remove(id string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.reports)
	b.reports = slices.DeleteFunc(b.reports, func(r api.ReceivedCheck) bool { return id == "" || r.ID == id })
	if n == len(b.reports) {
		return false, nil
	}
	return true, b.save()
}

func (b *Box) save() error {
	if b.folder == nil {
		return nil
	}
	text, err := json.Marshal(b.reports)
	if err != nil {
		return err
	}
	return atomicfile.Write(b.folder, FileName, text, 0o600)
}
