package main

import (
	"context"
	"os"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/history"
	"meetbox.local/appliance/internal/meetings"
)

// historySave is how often the history is written: a page of graphs is not
// worth more wear.
const historySave = time.Hour

// openHistory reads the history; one that cannot be read is begun anew.
func (d *daemon) openHistory() *history.History {
	folder, err := os.OpenRoot(d.u.State)
	if err == nil {
		var h *history.History
		if h, err = history.Load(folder); err != nil {
			d.log.Error("history begun anew", "err", err)
		}
		if err := folder.Close(); err != nil {
			d.log.Debug("history", "err", err)
		}
		return h
	}
	d.log.Error("no history", "err", err)
	return nil
}

func (d *daemon) saveHistory() {
	folder, err := os.OpenRoot(d.u.State)
	if err == nil {
		err = d.history.Save(folder)
		if cerr := folder.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		d.log.Error("history not written", "err", err)
	}
}

// runHistory takes a sample each minute until ctx ends.
func (d *daemon) runHistory(ctx context.Context) {
	if d.history == nil {
		return
	}
	tick, save := time.NewTicker(history.Minute), time.NewTicker(historySave)
	defer tick.Stop()
	defer save.Stop()
	last := d.sample(ctx)
	for {
		select {
		case <-ctx.Done():
			d.saveHistory()
			return
		case <-save.C:
			d.saveHistory()
		case <-tick.C:
			now := d.sample(ctx)
			if ctx.Err() == nil {
				d.history.Add(now.since(last))
			}
			last = now
		}
	}
}

// sample is what the services have counted until a moment.
type sample struct {
	at                  time.Time
	people, meetings    int
	loss, worst         float64
	received, sent, cpu float64
	memory, temperature float64
}

func (d *daemon) sample(ctx context.Context) sample {
	s := sample{at: time.Now()}
	if m, err := meetings.Now(ctx, d.control); err == nil {
		s.people, s.meetings = m.People, len(m.Meetings)
	}
	s.loss, s.worst = d.timeline.Loss(s.at)
	for _, name := range services {
		m, err := meetings.Metrics(ctx, d.control, name)
		if err != nil {
			continue // it is being restarted; its share is missing once
		}
		s.cpu += m["process_cpu_seconds_total"]
		s.memory += m["process_resident_memory_bytes"]
		s.received += m["bridge_rtp_bytes_received_total"]
		s.sent += m["bridge_rtp_bytes_sent_total"]
	}
	if d.machine != nil {
		for _, t := range d.machine.care.Hardware().Temperatures {
			s.temperature = max(s.temperature, t.Celsius)
		}
	}
	return s
}

// since is the mean between two samples. What counts from zero again, because
// a service was restarted, counts as nothing.
func (s sample) since(last sample) api.HistoryPoint {
	seconds := s.at.Sub(last.at).Seconds() // of the clock that is never set
	rate := func(now, before float64) float64 {
		if now < before || seconds <= 0 {
			return 0
		}
		return (now - before) / seconds
	}
	return api.HistoryPoint{
		At: s.at, People: s.people, Received: rate(s.received, last.received), Sent: rate(s.sent, last.sent),
		CPU: rate(s.cpu, last.cpu), Memory: s.memory, Temperature: s.temperature,
		Meetings: s.meetings, Loss: s.loss, WorstLoss: s.worst,
	}
}
