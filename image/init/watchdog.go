package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// The hardware restarts the machine when it was not fed for so long.
	hardwareTime = 60 * time.Second
	feedEvery    = 5 * time.Second
	askWait      = 4 * time.Second

	// A service may be silent for so long: restarting takes it a second, and
	// a machine can be very busy. From the start it may need longer.
	silentTime = 3 * time.Minute
	startTime  = 10 * time.Minute
	// One that was well may be unwell for so long, though it answers. One that
	// never was well lacks something that a restart would not bring, such as a
	// network.
	unwellTime = 15 * time.Minute
)

// answer is what a control socket said.
type answer int

const (
	silent answer = iota
	unwell
	well
)

// patient says when a restart of the whole machine is the last hope. It has
// no clock of its own and does nothing.
type patient struct {
	answered, well time.Time // the last time; zero: never
}

func (p *patient) look(now time.Time, a answer) {
	if a != silent {
		p.answered = now
	}
	if a == well {
		p.well = now
	}
}

func (p *patient) hopeless(begun, now time.Time) bool {
	if p.answered.IsZero() {
		return now.Sub(begun) > startTime
	}
	return now.Sub(p.answered) > silentTime || !p.well.IsZero() && now.Sub(p.well) > unwellTime
}

// watchdog feeds the hardware's watchdog for as long as there is hope for
// every service.
type watchdog struct {
	file *os.File // nil: the machine has none, or the kernel no driver
	ask  func(context.Context, string) answer
}

// openWatchdog must come before gokrazy's Boot, which would feed it whatever
// happens; only one may have it open.
func openWatchdog() *watchdog {
	w := &watchdog{ask: ask}
	// The kernel mounts /dev before it starts us, if it was built to.
	f, err := os.OpenFile("/dev/watchdog", os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		if err = unix.Mount("devtmpfs", "/dev", "devtmpfs", 0, ""); err == nil {
			f, err = os.OpenFile("/dev/watchdog", os.O_WRONLY, 0)
		}
	}
	if err != nil {
		log.Printf("no hardware watchdog: %v", err)
		return w
	}
	w.file = f
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, int(hardwareTime/time.Second)); err != nil {
		log.Printf("watchdog keeps its own time: %v", err)
	}
	log.Print("hardware watchdog armed")
	return w
}

func (w *watchdog) feed() {
	if w.file == nil {
		return
	}
	if err := unix.IoctlWatchdogKeepalive(int(w.file.Fd())); err != nil {
		log.Printf("watchdog: %v", err)
	}
}

// disarm lets a machine that is turned off stay off.
func (w *watchdog) disarm() {
	if w.file == nil {
		return
	}
	if _, err := w.file.WriteString("V"); err != nil { // watchdog-api: magic close
		log.Printf("watchdog: %v", err)
	}
	w.file.Close()
}

// guard returns the name of a service for which only a restart of the machine
// is left, or "" when ctx ends first.
func (w *watchdog) guard(ctx context.Context, names []string) string {
	begun := time.Now()
	patients := make([]patient, len(names))
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	for {
		w.feed()
		var wg sync.WaitGroup
		for i, name := range names {
			wg.Go(func() { patients[i].look(time.Now(), w.ask(ctx, name)) })
		}
		wg.Wait()
		if ctx.Err() != nil {
			return ""
		}
		for i, name := range names {
			if patients[i].hopeless(begun, time.Now()) {
				return name
			}
		}
		select {
		case <-ctx.Done():
			return ""
		case <-tick.C:
		}
	}
}

// ask asks a service on its control socket how it is.
func ask(ctx context.Context, name string) answer {
	return askSocket(ctx, filepath.Join(runDir, "ctl", name+".sock"))
}

func askSocket(ctx context.Context, socket string) answer {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ctl/health", nil)
	if err != nil {
		return silent
	}
	resp, err := c.Do(req)
	if err != nil {
		return silent
	}
	defer resp.Body.Close()
	var h struct {
		OK bool `json:"ok"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&h) != nil {
		return silent
	}
	if h.OK {
		return well
	}
	return unwell
}
