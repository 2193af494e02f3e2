package timeline

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/appliance/kit/ctl"
)

// words of a meeting's lines: event, name, what was said of it.
func said(t *Timeline, id string) (out []string) {
	m, _ := t.Meeting(id)
	for _, l := range m.Events {
		out = append(out, strings.TrimSpace(strings.Join([]string{l.Event, l.Name, l.Reason, l.Actor, l.Medium}, " ")))
	}
	return out
}

func TestWhyAnnaWasDropped(t *testing.T) {
	t.Parallel()
	tl := &Timeline{}
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	happens := func(e event) {
		at = at.Add(time.Second)
		e.At, e.Meeting = at, "m1"
		if e.Room == "" {
			e.Room = "demo@muc.meet.jitsi"
		}
		tl.take(e)
	}
	happens(event{Event: "participant joined", Endpoint: "focus"})
	happens(event{Event: "participant joined", Endpoint: "a1", Name: "Anna"})
	happens(event{Event: "participant joined", Endpoint: "b2"})
	happens(event{Event: "participant renamed", Endpoint: "b2", Name: "Bo"})
	happens(event{Event: "join refused", Endpoint: "c3", Condition: "not-authorized"})
	happens(event{Event: "participant muted", Endpoint: "a1", Actor: "b2", Medium: "audio"})
	happens(event{Event: "participant joined", Endpoint: "x", Room: "selfcall-q@muc.meet.jitsi"})
	happens(event{Event: "participant joined", Endpoint: "x", Room: "brewery@internal-muc.meet.jitsi"})
	look := func(loss float64, packets uint64) {
		at = at.Add(5 * time.Second)
		tl.look(report{Meeting: "m1", Members: []member{{Endpoint: "a1", Connected: true, RTT: 20, PacketsIn: packets, LossIn: loss}}}, at)
	}
	look(0, 1000)
	look(0, 2000)
	if mean, worst := tl.Loss(at); mean != 0 || worst != 0 {
		t.Errorf("loss %v, %v on a good line", mean, worst)
	}
	look(0.1, 2700) // 300 of the last 1000
	if w := tl.Worst(at); w == nil || w.Name != "Anna" || w.Loss < 0.25 || w.Loss > 0.35 {
		t.Errorf("worst %+v", w)
	}
	look(0.1333, 3380)
	for n := uint64(1); n <= 3; n++ {
		look(0.52/(0.52+float64(3380+n*1000)/1000), 3380+n*1000)
	}
	happens(event{Event: "connection interrupted", Endpoint: "a1", Reason: "timeout"})
	happens(event{Event: "participant left", Endpoint: "a1", Reason: "connection lost"})
	happens(event{Event: "participant left", Endpoint: "b2", Reason: "left"})
	happens(event{Event: "room ended"})
	want := []string{
		"joined Anna", "joined", "renamed Bo", "refused  not-authorized", "muted Anna  Bo audio",
		"weak Anna loss 24 % ↑", "better Anna", "interrupted Anna timeout", "left Anna connection lost", "left Bo left",
	}
	got := said(tl, "m1")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	past := tl.Past()
	if len(past) != 1 || past[0].Most != 2 || past[0].Dropped != 1 || past[0].Ended.IsZero() {
		t.Errorf("%+v", past)
	}
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := tl.Save(folder); err != nil {
		t.Fatal(err)
	}
	again, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := tl.Meeting("m1")
	b, _ := again.Meeting("m1")
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("not the same after a restart: %s", d)
	}
	again.forget(at.Add(31*24*time.Hour), 30)
	if p := again.Past(); len(p) != 0 {
		t.Errorf("not forgotten: %+v", p)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	tl := &Timeline{}
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	for n := range maxMeetings + 10 {
		tl.take(event{At: at, Event: "participant joined", Room: "demo@muc.meet.jitsi", Meeting: fmt.Sprint(n), Endpoint: "a"})
	}
	last := fmt.Sprint(maxMeetings + 9)
	for n := range maxLines + 500 {
		tl.take(event{At: at, Event: "join refused", Room: "demo@muc.meet.jitsi", Meeting: last, Endpoint: fmt.Sprint(n)})
	}
	for n := range maxSeats + 5 {
		tl.take(event{At: at, Event: "participant joined", Room: "demo@muc.meet.jitsi", Meeting: last, Endpoint: fmt.Sprint("p", n)})
	}
	for n := range 10_000 {
		tl.look(report{Meeting: last, Members: []member{{Endpoint: "a", Connected: true, RTT: float64(n % 7)}}}, at.Add(time.Duration(n)*every))
	}
	m, _ := tl.Meeting(last)
	if len(tl.Past()) != maxMeetings || len(m.Events) > maxLines || len(m.People) != maxSeats || !m.Cut {
		t.Errorf("%d meetings, %d lines, %d people, cut %v", len(tl.Past()), len(m.Events), len(m.People), m.Cut)
	}
	if n := len(m.People[0].Quality); n < maxPoints/2 || n > maxPoints {
		t.Errorf("%d points", n)
	}
	if q := m.People[0].Quality; !q[0].At.Equal(at) || q[0].RTT != 6 {
		t.Errorf("the first point %+v", q[0])
	}
}

// TestFollow: events and reports come from the services' own sockets; a
// service that is another process tells everything again, and nothing is
// there twice.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	control := func(service string) string { return filepath.Join(dir, service+".sock") }
	text := func(body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, body) })
	}
	serve := func(name string, pages map[string]string) {
		s := ctl.New(name)
		for path, body := range pages {
			s.Handle("GET "+path, text(body))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, control(name)) }()
		t.Cleanup(func() { cancel(); <-done })
		for {
			if _, err := ctl.Ask(ctx, control(name)); err == nil {
				return
			}
		}
	}
	serve("signaling", map[string]string{"/events": `{"number":1,"at":"2026-12-01T09:00:00Z","event":"participant joined","room":"demo@muc.meet.jitsi","meeting":"m1","endpoint":"a1","name":"Anna"}`})
	serve("focus", map[string]string{
		"/events":      `{"number":1,"at":"2026-12-01T09:01:00Z","event":"participant muted","room":"demo@muc.meet.jitsi","meeting":"m1","endpoint":"a1","actor":"console","medium":"video"}`,
		"/conferences": `[{"meeting":"m1","participants":1}]`,
	})
	serve("bridge", map[string]string{
		"/conferences":    `[{"meeting":"m1"}]`,
		"/conferences/m1": `{"meeting":"m1","members":[{"endpoint":"a1","connected":true,"rtt_ms":12,"bitrate_received":900000,"sends":[{"layers":[{"height":180,"bitrate":1},{"height":720,"bitrate":9},{"height":1080}]}]}]}`,
	})
	f := &Follower{Timeline: &Timeline{}, Control: control, Log: slog.New(slog.DiscardHandler), Days: func() int { return 30 }}
	f.sources = [2]source{{service: "signaling"}, {service: "focus"}}
	f.ask(t.Context())
	f.sources[0].pid, f.sources[1].pid = 0, 0 // as if they had been started again
	f.ask(t.Context())
	if d := cmp.Diff([]string{"joined Anna", "muted Anna  console video"}, said(f.Timeline, "m1")); d != "" {
		t.Error(d)
	}
	m, _ := f.Timeline.Meeting("m1")
	if now := m.People[0].Now; now == nil || now.Line.RTT != 12 || now.Video != "720" || now.Line.Received != 900_000 {
		t.Errorf("%+v", now)
	}
}
