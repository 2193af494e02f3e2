package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/bundle"
	"meetbox.local/appliance/internal/slots"
)

// unexplained is when a new version did not live to say what was wrong.
const unexplained = "it did not start, or lost power, before it was confirmed"

// Run finishes what the restart before began, and then installs what Begin
// took, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	if m.c.Disk == nil {
		<-ctx.Done()
		return
	}
	if m.begin() {
		if err := m.arrive(ctx); err != nil && ctx.Err() == nil {
			m.c.Log.ErrorContext(ctx, "update", "err", err)
		}
		m.end()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-m.jobs:
			if err := m.install(ctx, j.manifest); err != nil && ctx.Err() == nil {
				m.fail(j.manifest, err)
			}
			m.end()
		}
	}
}

// fail records that a version could not be installed.
func (m *Manager) fail(next bundle.Manifest, why error) {
	release := api.Release{Version: next.Version, Counter: next.Counter}
	m.c.Log.Error("update failed", "version", next.Version, "err", why)
	if err := m.save(func(r *record) {
		r.Trial, r.Last = nil, &api.UpdateResult{Release: release, Reason: why.Error(), At: time.Now()}
	}); err != nil {
		m.c.Log.Error("update", "err", err)
	}
}

// install writes what was verified, and restarts into it.
func (m *Manager) install(ctx context.Context, next bundle.Manifest) error {
	m.set(func(s *api.Update) { s.Done, s.Total = 0, next.Kernel.Size+next.Root.Size })
	f, err := m.c.Dir.Open(spoolName)
	if err != nil {
		return err
	}
	defer f.Close()
	disk := m.c.Disk
	// From here on a power cut starts the running version.
	if err := disk.Clear(); err != nil {
		return err
	}
	counted := &counting{f, m}
	content := readFunc(func(b []byte) (int, error) { // until ctx ends
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return counted.Read(b)
	})
	sum, err := disk.WriteKernel(io.LimitReader(content, next.Kernel.Size), next.Kernel.Size)
	if err := readBack("kernel", sum, next.Kernel, err); err != nil {
		return err
	}
	sum, err = disk.WriteRoot(io.LimitReader(content, next.Root.Size), next.Root.Size)
	if err := readBack("root file system", sum, next.Root, err); err != nil {
		return err
	}
	release := api.Release{Version: next.Version, Counter: next.Counter}
	to := disk.Running().Other()
	if err := m.save(func(r *record) { r.Trial = &trial{Release: release, Slot: to} }); err != nil {
		return err
	}
	if err := disk.Arm(next.Version, next.Options); err != nil {
		return errors.Join(err, disk.Clear())
	}
	m.c.Log.InfoContext(ctx, "restarting into the new version", "version", next.Version, "slot", to)
	m.set(func(s *api.Update) { s.Phase = api.UpdateRestarting })
	return m.restart(ctx)
}

func readBack(what, sum string, part bundle.Part, err error) error {
	if err == nil && sum != part.SHA256 {
		err = fmt.Errorf("%s: the disk gives back something else than was written; it may be worn out", what)
	}
	return err
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

// restart asks for it and waits for the end, which a new start of the box
// follows.
func (m *Manager) restart(ctx context.Context) error {
	if wait(ctx, restartDelay) {
		if err := m.c.Restart(); err != nil {
			return fmt.Errorf("restart: %w", err)
		}
		<-ctx.Done()
	}
	return context.Cause(ctx)
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// arrive finds out where the box is after a start.
func (m *Manager) arrive(ctx context.Context) error {
	state, err := m.c.Disk.State()
	if err != nil {
		return err
	}
	if !state.Confirmed {
		return m.prove(ctx, state)
	}
	if state.Leftover {
		// The power went in the middle of it.
		err = m.c.Disk.Confirm(m.c.Running.Version)
	}
	return errors.Join(err, m.settle())
}

// settle records what became of a trial, now that the running version is a
// confirmed one.
func (m *Manager) settle() error {
	if m.c.Confirmed != nil {
		if err := m.c.Confirmed(); err != nil {
			m.c.Log.Error("process 1 does not know that this version is confirmed", "err", err)
		}
	}
	m.mu.Lock()
	old := m.record
	m.mu.Unlock()
	if old.Trial == nil && old.Floor >= m.c.Running.Counter {
		return nil
	}
	return m.save(func(r *record) {
		r.Floor = max(r.Floor, m.c.Running.Counter)
		t := r.Trial
		if t == nil {
			return
		}
		r.Trial, r.Last = nil, &api.UpdateResult{Release: t.Release, At: time.Now()}
		switch {
		case t.Slot == m.c.Disk.Running():
			r.Last.OK = true
		case t.Reason != "":
			r.Last.Reason = t.Reason
		default:
			r.Last.Reason = unexplained
		}
		m.c.Log.Info("update ended", "version", t.Release.Version, "ok", r.Last.OK, "reason", r.Last.Reason)
	})
}

// prove is the trial: it confirms the running version, or restarts into the
// one before it.
func (m *Manager) prove(ctx context.Context, state slots.State) error {
	m.set(func(s *api.Update) { s.Phase, s.Detail = api.UpdateTrial, "waiting for the services" })
	m.c.Log.InfoContext(ctx, "on trial", "version", m.c.Running.Version)
	begun := time.Now()
	for {
		err := m.attempt(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			break
		}
		m.c.Log.WarnContext(ctx, "on trial, not confirmed yet", "err", err)
		m.set(func(s *api.Update) { s.Detail = err.Error() })
		if time.Since(begun) < TrialTime {
			if !wait(ctx, tryEvery) {
				return context.Cause(ctx)
			}
			continue
		}
		return m.giveUp(ctx, state, err)
	}
	if err := m.c.Disk.Confirm(m.c.Running.Version); err != nil {
		return m.giveUp(ctx, state, err)
	}
	m.c.Log.InfoContext(ctx, "confirmed", "version", m.c.Running.Version, "after", time.Since(begun).Round(time.Second))
	return m.settle()
}

// attempt is one look at whether all works.
func (m *Manager) attempt(ctx context.Context) error {
	if err := m.c.Healthy(ctx); err != nil {
		return err
	}
	m.set(func(s *api.Update) { s.Detail = "calling itself" })
	return m.c.Call(ctx)
}

// giveUp leaves it to the version before. Without one, a system that half
// works is better than none.
func (m *Manager) giveUp(ctx context.Context, state slots.State, why error) error {
	m.c.Log.ErrorContext(ctx, "given up", "version", m.c.Running.Version, "err", why)
	reason := why.Error()
	if err := m.save(func(r *record) {
		if r.Trial == nil {
			r.Trial = &trial{Release: m.c.Running, Slot: m.c.Disk.Running()}
		}
		r.Trial.Reason = reason
	}); err != nil {
		m.c.Log.ErrorContext(ctx, "the reason will not be known", "err", err)
	}
	if !state.Other {
		return fmt.Errorf("there is no version to go back to: %w", why)
	}
	return m.restart(ctx)
}
