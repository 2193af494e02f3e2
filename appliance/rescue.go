package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/screen"
	"meetbox.local/appliance/internal/state"
)

// resetMark tells process 1 to empty /perm at the next start.
const resetMark = "factory-reset"

var errStarting = errors.New("the box's state cannot be read; only a restart or a factory reset are possible")

// rescue is what the keyboard's menu may do. The daemon is nil while the box's
// state cannot be read.
type rescue struct {
	machine *machine
	daemon  *daemon
}

func (r rescue) Network() api.NetworkStatus {
	if r.daemon == nil {
		return api.NetworkStatus{}
	}
	return r.machine.network.Status()
}

func (r rescue) Install() api.Install {
	if r.daemon == nil {
		return api.Install{}
	}
	return r.machine.care.install.Status()
}

func (r rescue) BeginInstall(req api.InstallRequest) error {
	if r.daemon == nil {
		return errStarting
	}
	if err := r.machine.care.install.Begin(req); err != nil {
		return err
	}
	return r.audit("install", req.Disk)
}

func (r rescue) audit(action, what string) error {
	return r.daemon.store.Audit(state.Actor{Name: "screen", Role: api.Owner}, action, what, "")
}

// Do restarts the machine or turns it off, after what had to be done.
func (r rescue) Do(a screen.Act) error {
	signal := syscall.SIGTERM
	switch a {
	case screen.DHCP:
		if r.daemon == nil {
			return errStarting
		}
		if _, err := r.daemon.store.PutSection(state.Actor{Name: "screen", Role: api.Owner}, "network", nil, &api.Network{}); err != nil {
			return err
		}
		if err := (networkStore{r.daemon.store}).DropPending(); err != nil {
			return err
		}
	case screen.Reset:
		if err := markReset(permDir); err != nil {
			return err
		}
	case screen.NewCode:
		if r.daemon == nil {
			return errStarting
		}
		_, err := r.daemon.people.NewSetupCode() // the status page shows it
		return err
	case screen.Restart:
	case screen.TurnOff:
		signal = syscall.SIGUSR2
	}
	return syscall.Kill(1, signal)
}

// markReset has process 1 forget everything at the next start, when nobody has
// any of it open.
func markReset(folder string) error {
	f, err := os.Create(filepath.Join(folder, resetMark))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
