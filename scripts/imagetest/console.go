package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	owner    = "harbour"
	password = "a lighthouse at the end of the pier"
)

// console is a person's browser at the box's console.
type console struct {
	m      *machine
	client *http.Client
	cookie string
}

// problem is what the box answers when it will not.
type problem struct {
	Status       int
	Code, Detail string
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// code of a problem, "" for everything else.
func code(err error) string {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.Code
	}
	return ""
}

func newConsole(m *machine, authority string) *console {
	return &console{m: m, client: trusting(authority)}
}

// ask sends a request; a body that is no Reader goes as JSON. An answer that is
// bytes is taken as it is.
func (c *console) ask(ctx context.Context, method, path string, body, answer any) error {
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r, kind = b, "application/octet-stream"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		r = bytes.NewReader(text)
	}
	base := fmt.Sprintf("https://localhost:%d", c.m.admin)
	req, err := http.NewRequestWithContext(ctx, method, base+path, r)
	if err != nil {
		return err
	}
	req.Close = true
	req.Header.Set("Origin", base)
	req.Header.Set("If-Match", "*")
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		p := &problem{Status: resp.StatusCode}
		if json.Unmarshal(b, p) != nil {
			p.Detail = string(b)
		}
		return p
	}
	for _, k := range resp.Cookies() {
		c.cookie = k.Name + "=" + k.Value
	}
	if answer == nil || len(b) == 0 {
		return nil
	}
	if file, ok := answer.(*[]byte); ok {
		*file = b
		return nil
	}
	return json.Unmarshal(b, answer)
}

var setupCode = regexp.MustCompile(`Setup code: (\d{4}-\d{4})`)

// claim makes an owner with the code from the serial line.
func (c *console) claim(ctx context.Context) error {
	found := ""
	if err := c.m.await(ctx, func(screen string) bool {
		if m := setupCode.FindStringSubmatch(screen); m != nil {
			found = m[1]
		}
		return found != ""
	}); err != nil {
		return err
	}
	return c.ask(ctx, http.MethodPost, "/api/v1/claim", map[string]string{"code": found, "name": owner, "password": password}, nil)
}

// names reads and sets a setting with an answer.
func (c *console) names(ctx context.Context) (string, error) {
	var s struct {
		Settings struct{ Names struct{ Extra []string } }
	}
	err := c.ask(ctx, http.MethodGet, "/api/v1/settings", nil, &s)
	return strings.Join(s.Settings.Names.Extra, " "), err
}

func (c *console) setNames(ctx context.Context, name string) error {
	return c.ask(ctx, http.MethodPut, "/api/v1/settings/names", map[string]any{"extra": []string{name}}, nil)
}

// release and update are what the box says of versions.
type release struct {
	Version string
	Counter uint64
}

type update struct {
	Running     release
	Slot, Phase string
	Detail      string
	Last        *struct {
		Release release
		OK      bool
		Reason  string
	}
}

func (c *console) update(ctx context.Context) (u update, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	err = c.ask(ctx, http.MethodGet, "/api/v1/update", nil, &u)
	return u, err
}

// settled waits until the box runs, is not busy with an update, and the test
// likes what it says of the last one.
func (c *console) settled(ctx context.Context, like func(update) bool) (update, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		u, err := c.update(ctx)
		if err == nil && u.Phase == "idle" && like(u) {
			return u, nil
		}
		select {
		case <-ctx.Done():
			return u, fmt.Errorf("%w; the last answer: %+v, %v; its screen:\n%s", context.Cause(ctx), u, err, c.m.screen())
		case <-tick.C:
		}
	}
}
