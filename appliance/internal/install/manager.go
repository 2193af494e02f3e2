package install

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/hardware"
)

// leastSize is what a disk must have: two systems, and room to keep something.
const leastSize = 2_000_000_000

// Manager offers the machine's other disks and installs onto one of them.
type Manager struct {
	machine hardware.Machine
	busy    func() string // why not now; "" when it may
	run     func(disk string, progress func(done, total int64)) error
	log     *slog.Logger

	mu    sync.Mutex
	state api.Install
}

// NewManager is for the machine that runs from the disk boot; template is a
// file with an empty /perm.
func NewManager(boot, template string, busy func() string, log *slog.Logger) *Manager {
	return &Manager{
		machine: hardware.Real(boot),
		busy:    busy,
		run: func(disk string, progress func(done, total int64)) error {
			return devices("/dev/"+boot, "/dev/"+disk, template, progress)
		},
		log:   log,
		state: api.Install{Phase: api.InstallIdle},
	}
}

// Status is where the box could install itself, and how far it is.
func (m *Manager) Status() api.Install {
	m.mu.Lock()
	s := m.state
	m.mu.Unlock()
	s.Disks, s.Stick = []api.InstallDisk{}, m.machine.OnUSB(m.machine.Boot)
	for _, name := range m.machine.Disks() {
		h := m.machine.Disk(name)
		if h.Boot {
			continue
		}
		d := api.InstallDisk{Name: name, Model: h.Model, Size: h.Size}
		if h.Size < leastSize {
			d.Refused = "It is too small: 2 GB are needed."
		} else {
			d.Confirm = fmt.Sprintf("erase %s (%s, %.1f GB)", name, h.Model, float64(h.Size)/1e9)
		}
		s.Disks = append(s.Disks, d)
	}
	return s
}

// Begin starts an installation, if the caller repeats what is lost.
func (m *Manager) Begin(req api.InstallRequest) error {
	refuse := func(status int, code, detail string) error {
		return api.Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
	}
	var disk *api.InstallDisk
	for _, d := range m.Status().Disks {
		if d.Name == req.Disk {
			disk = &d
		}
	}
	switch {
	case disk == nil:
		return refuse(http.StatusNotFound, "no-disk", fmt.Sprintf("There is no other disk called %.40q in this machine.", req.Disk))
	case disk.Refused != "":
		return refuse(http.StatusConflict, "disk-refused", disk.Refused)
	case req.Confirm == "" || req.Confirm != disk.Confirm:
		return refuse(http.StatusConflict, "confirm", "Everything on this disk will be lost. Send this in the field confirm: "+disk.Confirm)
	}
	if why := m.busy(); why != "" {
		return refuse(http.StatusConflict, "busy", why)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Phase == api.InstallWriting {
		return refuse(http.StatusConflict, "busy", "An installation is under way.")
	}
	m.state = api.Install{Phase: api.InstallWriting, Disk: disk.Name}
	m.log.Warn("installing", "disk", disk.Name, "model", disk.Model)
	// Half an installation is none, so that it outlives whoever asked for it;
	// the process does not wait for it when it ends.
	go m.finish(disk.Name)
	return nil
}

func (m *Manager) finish(disk string) {
	err := m.run(disk, func(done, total int64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.state.Done, m.state.Total = done, total
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Phase = api.InstallDone
	if err != nil {
		m.state.Phase, m.state.Error = api.InstallFailed, err.Error()
		m.log.Error("installation failed", "disk", disk, "err", err)
		return
	}
	m.log.Info("installed", "disk", disk)
}
