package timeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"time"

	"meetbox.local/appliance/kit/atomicfile"
	"meetbox.local/appliance/kit/ctl"
)

// FileName is the file in the state folder.
const FileName = "meetings.json"

const (
	// every is how often the services are asked.
	every = 5 * time.Second
	// saveEvery is how often the file is written at most: what a power cut
	// costs.
	saveEvery = 10 * time.Minute
	askWait   = 2 * time.Second
)

// Load reads what was kept; a file that cannot be read is begun anew, with an
// error that says so.
func Load(folder *os.Root) (*Timeline, error) {
	t := &Timeline{}
	b, err := folder.ReadFile(FileName)
	if err == nil {
		err = json.Unmarshal(b, &t.records)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		t.records = nil
	}
	return t, err
}

// Save writes the file, if there is something new.
func (t *Timeline) Save(folder *os.Root) error {
	t.mu.Lock()
	if !t.changed {
		t.mu.Unlock()
		return nil
	}
	b, err := json.Marshal(t.records)
	t.changed = false
	t.mu.Unlock()
	if err != nil {
		return err
	}
	return atomicfile.Write(folder, FileName, b, 0o600)
}

// Follower asks the services.
type Follower struct {
	Timeline *Timeline
	Control  func(service string) string // a service's control socket
	Folder   *os.Root
	Days     func() int // that a meeting is remembered
	Log      *slog.Logger

	sources [2]source
}

// source is one service's events.
type source struct {
	service string
	pid     int
	after   uint64
	last    time.Time // of the newest event that was taken
}

// Run follows the meetings until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	f.sources = [2]source{{service: "signaling"}, {service: "focus"}}
	last := f.Timeline.last() // a former process has taken the lines until then
	for i := range f.sources {
		f.sources[i].last = last
	}
	tick, save := time.NewTicker(every), time.NewTicker(saveEvery)
	defer tick.Stop()
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			f.save()
			return
		case <-save.C:
			f.Timeline.forget(time.Now(), f.Days())
			f.save()
		case <-tick.C:
			f.ask(ctx)
		}
	}
}

func (f *Follower) save() {
	if err := f.Timeline.Save(f.Folder); err != nil {
		f.Log.Error("meetings not written", "err", err)
	}
}

// ask looks once: what happened, then how good the lines are.
func (f *Follower) ask(ctx context.Context) {
	for i := range f.sources {
		if err := f.events(ctx, &f.sources[i]); err != nil && ctx.Err() == nil {
			f.Log.Debug("events not read", "service", f.sources[i].service, "err", err)
			return // it is being restarted; what it told is read again then
		}
	}
	if err := f.quality(ctx); err != nil && ctx.Err() == nil {
		f.Log.Debug("bridge not asked", "err", err)
	}
}

func (f *Follower) events(parent context.Context, s *source) error {
	ctx, cancel := context.WithTimeout(parent, askWait)
	defer cancel()
	h, err := ctl.Ask(ctx, f.Control(s.service))
	if err != nil {
		return err
	}
	if h.PID != s.pid {
		// Another process counts from where its last snapshot was: everything
		// it knows is read again, and what was taken before is told by its time.
		s.pid, s.after = h.PID, 0
	}
	b, err := ctl.Fetch(ctx, f.Control(s.service), "/events?after="+strconv.FormatUint(s.after, 10))
	if err != nil {
		return err
	}
	again, old := s.after == 0, s.last
	for line := range bytes.Lines(b) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		s.after = max(s.after, e.Number)
		if again && !e.At.After(old) {
			continue
		}
		if e.At.After(s.last) {
			s.last = e.At
		}
		f.Timeline.take(e)
	}
	return nil
}

func (f *Follower) quality(parent context.Context) error {
	ctx, cancel := context.WithTimeout(parent, askWait)
	defer cancel()
	var all []struct {
		Meeting string `json:"meeting"`
	}
	if err := fetch(ctx, f.Control("bridge"), "/conferences", &all); err != nil {
		return err
	}
	running := map[string]bool{}
	var known []struct {
		Meeting      string `json:"meeting"`
		Participants int    `json:"participants"`
	}
	if err := fetch(ctx, f.Control("focus"), "/conferences", &known); err != nil {
		return err
	}
	for _, one := range known {
		running[one.Meeting] = one.Participants > 0
	}
	for _, one := range all {
		running[one.Meeting] = true
		var rep report
		if err := fetch(ctx, f.Control("bridge"), "/conferences/"+url.PathEscape(one.Meeting), &rep); err != nil {
			continue // it has just ended
		}
		rep.Meeting = one.Meeting
		f.Timeline.look(rep, time.Now())
	}
	f.Timeline.settle(running, time.Now())
	return nil
}

func fetch(ctx context.Context, socket, path string, v any) error {
	b, err := ctl.Fetch(ctx, socket, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
