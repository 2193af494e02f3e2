package main

import (
	"os"
	"time"

	"meetbox.local/appliance/internal/checks"
	"meetbox.local/appliance/internal/timeline"
)

// openTimeline reads what is remembered of meetings, and what people reported;
// a file that cannot be read is begun anew.
func (d *daemon) openTimeline() (*timeline.Follower, error) {
	folder, err := os.OpenRoot(d.u.State)
	if err != nil {
		return nil, err
	}
	if d.timeline, err = timeline.Load(folder); err != nil {
		d.log.Error("past meetings begun anew", "err", err)
	}
	if d.checks, err = checks.Open(folder, time.Now); err != nil {
		d.log.Error("reports of /check begun anew", "err", err)
	}
	return &timeline.Follower{Timeline: d.timeline, Control: d.control, Folder: folder, Days: d.remembered, Log: d.log}, nil
}

// remembered is for how many days a meeting is remembered.
func (d *daemon) remembered() int {
	s, err := d.store.Settings()
	if err != nil || s.Settings.Rooms.RememberDays == 0 {
		return timeline.DefaultDays
	}
	return s.Settings.Rooms.RememberDays
}
