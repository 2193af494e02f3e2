package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"rsc.io/qr"
)

const (
	askEvery = 200 * time.Millisecond
	// After this a person should hear what is being waited for.
	patience = 15 * time.Second
)

// announce waits until all services are well and prints where to go.
func announce(ctx context.Context, p place, out io.Writer) {
	client := &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.run, "appliance.sock"))
		}},
	}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	complain := time.Now().Add(patience)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h, err := ask[api.Health](ctx, client, "health")
		if err == nil && h.OK {
			break
		}
		if time.Now().After(complain) && ctx.Err() == nil {
			fmt.Fprint(out, waiting(h, err))
			complain = time.Now().Add(patience)
		}
	}
	s, err := ask[api.Status](ctx, client, "status")
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintln(out, "run:", err)
		}
		return
	}
	s.SetupCode = setupCode(ctx, p)
	fmt.Fprint(out, banner(s, p)) // one write, so that no log line gets between
}

func ask[T any](ctx context.Context, client *http.Client, what string) (v T, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://appliance/api/"+what, nil)
	if err != nil {
		return v, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	return v, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&v)
}

// setupCode asks the appliance's control socket, which only this user can
// open; "" when the copy has an owner.
func setupCode(ctx context.Context, p place) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.run, "ctl", "appliance.sock"))
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ctl/setup-code", nil)
	if err != nil {
		return ""
	}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func waiting(h api.Health, err error) string {
	if err != nil {
		return "\nStill waiting for appliance; the log above or in the state folder says why.\n"
	}
	var b strings.Builder
	b.WriteString("\nStill waiting for:\n")
	for _, s := range h.Services {
		if !s.OK {
			fmt.Fprintf(&b, "  %-10s %s\n", s.Name, s.Detail)
		}
	}
	return b.String()
}

// banner is what a person needs to start a meeting.
func banner(s api.Status, p place) string {
	var b strings.Builder
	b.WriteString("\n  Meetbox is ready.\n\n")
	for i := range s.URLs { // the last one, localhost, is the first to try here
		fmt.Fprintf(&b, "    %s\n", s.URLs[(i+len(s.URLs)-1)%len(s.URLs)])
	}
	if s.Scan == "" {
		b.WriteString("\n  This machine has no network address: other devices cannot reach it.\n")
	} else {
		fmt.Fprintf(&b, "\n  Other devices: scan for %s\n\n%s", s.Scan, code(s.Scan))
		fmt.Fprintf(&b, "\n  Browsers warn until the device trusts this box's certificate authority:\n    %s\n", s.Authority)
	}
	if n := len(s.Console); n > 0 {
		fmt.Fprintf(&b, "\n  Console: %s\n", s.Console[n-1])
	}
	if s.SetupCode != "" {
		fmt.Fprintf(&b, "  Nobody owns this copy yet; setup code: %s\n", s.SetupCode)
	}
	fmt.Fprintf(&b, "\n  State and logs: %s    Stop: Ctrl-C\n\n", p.state)
	return b.String()
}

// quiet is the light border that scanners ask for, in modules.
const quiet = 4

// code draws the text as a QR code, two modules per character, in black on
// white whatever the terminal's colours are.
func code(text string) string {
	c, err := qr.Encode(text, qr.L)
	if err != nil {
		return "" // too long for a code; the text is printed beside it anyway
	}
	var b strings.Builder
	for y := -quiet; y < c.Size+quiet; y += 2 {
		b.WriteString("    \x1b[30;107m")
		for x := -quiet; x < c.Size+quiet; x++ {
			// Black answers false outside the code.
			switch top, bottom := c.Black(x, y), c.Black(x, y+1); {
			case top && bottom:
				b.WriteString("█")
			case top:
				b.WriteString("▀")
			case bottom:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
