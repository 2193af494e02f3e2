package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"meetbox.local/appliance/api"
)

// done is what setup has to say of all its steps. A step that only a box of
// its own can do says so on a computer.
type done struct {
	Claimed  bool         `json:"claimed"`
	Recovery []string     `json:"recovery,omitempty"` // unless they went into a file
	Codes    string       `json:"codes_file,omitempty"`
	Name     string       `json:"name"`
	Clock    string       `json:"clock"`
	Ahead    int64        `json:"clock_ahead_ms"` // this machine's clock, of the box's, before it was set
	Network  string       `json:"network"`
	Trust    trusted      `json:"trust"`
	Call     api.SelfCall `json:"call"`
}

// trusted is the box's authority.
type trusted struct {
	File        string `json:"file,omitempty"`
	Fingerprint string `json:"sha256"`
	Page        string `json:"page,omitempty"` // where devices come to trust it
}

// setup does what the console's wizard does.
func setup(ctx context.Context, c *call, _ []string) error {
	var out done
	if err := c.create(c.codes); err != nil { // before anything that is shown once
		return err
	}
	made, raw, err := c.claim(ctx)
	if err != nil {
		return errors.Join(err, c.drop(c.codes))
	}
	out.Claimed, out.Recovery, out.Codes = true, made.Recovery, c.codes
	if c.codes != "" {
		if err := os.WriteFile(c.codes, []byte(strings.Join(made.Recovery, "\n")+"\n"), 0o600); err != nil {
			return errors.Join(err, c.show(raw))
		}
		out.Recovery = nil
	}
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return c.rename(ctx, b, &out) },
		func() error { return setTime(ctx, b, &out) },
		func() (err error) { out.Network, err = state(ctx, b, "network"); return err },
		func() (err error) { out.Trust, err = c.fetchTrust(ctx, b, c.trust); return err },
		func() error { return ask(ctx, b, http.MethodPost, "selfcall", nil, &out.Call) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return errors.Join(err, c.print(out)) // what was done is done
		}
	}
	if err := c.print(out); err != nil || out.Call.OK {
		return err
	}
	return fmt.Errorf("the test call does not work: %s", out.Call.Error)
}

// create makes the file for the codes, so that it is sure to be there.
func (c *call) create(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (c *call) drop(name string) error {
	if name == "" {
		return nil
	}
	return os.Remove(name)
}

// ask sends a request and reads the answer.
func ask(ctx context.Context, b *box, method, path string, q, answer any, header ...string) error {
	raw, _, err := b.json(ctx, method, path, q, header...)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, answer)
}

// elsewhere is what a step says on somebody's computer.
func elsewhere(err error) (string, error) {
	if p, ok := errors.AsType[api.Problem](err); ok && p.Code == "only-on-the-box" {
		return "left as it is: " + p.Detail, nil
	}
	return "", err
}

func state(ctx context.Context, b *box, path string) (string, error) {
	var n api.NetworkStatus
	if err := ask(ctx, b, http.MethodGet, path, nil, &n); err != nil {
		return elsewhere(err)
	}
	var out []string
	for _, p := range n.Ports {
		out = append(out, fmt.Sprint(p.Name, " ", p.Addresses))
	}
	return strings.Join(append(out, n.Problems...), "; "), nil
}

func (c *call) rename(ctx context.Context, b *box, out *done) error {
	if c.host != "" {
		raw, header, err := b.json(ctx, http.MethodGet, "settings/names", nil)
		if err != nil {
			return err
		}
		var n api.Names
		if err := json.Unmarshal(raw, &n); err != nil {
			return err
		}
		n.Host = c.host
		if _, _, err := b.json(ctx, http.MethodPut, "settings/names", n, "If-Match", header.Get("ETag")); err != nil {
			return err
		}
		out.Name = n.Host
		return nil
	}
	var s api.Setup
	err := ask(ctx, b, http.MethodGet, "setup", nil, &s)
	out.Name = s.Name
	return err
}

// setTime sets the box's clock from this machine's, and says how far apart
// they were.
func setTime(ctx context.Context, b *box, out *done) (err error) {
	if out.Ahead, err = ahead(ctx, b); err != nil {
		return err
	}
	if _, _, err = b.json(ctx, http.MethodPost, "clock/set", api.SetClock{Now: time.Now().UTC()}); err != nil {
		out.Clock, err = elsewhere(err)
		return err
	}
	out.Clock = "set"
	return nil
}

// ahead is how far this machine's clock is before the box's, in milliseconds.
func ahead(ctx context.Context, b *box) (int64, error) {
	begin := time.Now()
	var s api.Setup
	if err := ask(ctx, b, http.MethodGet, "setup", nil, &s); err != nil {
		return 0, err
	}
	return begin.Add(time.Since(begin) / 2).Sub(s.Now).Milliseconds(), nil
}

func (c *call) fetchTrust(ctx context.Context, b *box, file string) (out trusted, err error) {
	text, _, err := b.json(ctx, http.MethodGet, "certificates/ca.pem", nil)
	if err != nil {
		return out, err
	}
	if out, err = describe(text); err != nil {
		return out, err
	}
	var s api.CertificateState
	if err := ask(ctx, b, http.MethodGet, "certificates", nil, &s); err == nil { // takes a sign-in
		out.Page = s.TrustURL
	}
	if file == "" {
		return out, nil
	}
	out.File = file
	return out, os.WriteFile(file, text, 0o644)
}

func describe(text []byte) (out trusted, err error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return out, errors.New("the box gave no certificate")
	}
	sum := sha256.Sum256(block.Bytes)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	out.Fingerprint = strings.Join(parts, ":")
	return out, nil
}

// trust fetches the authority of a box that nobody here trusts yet. It is only
// kept when its fingerprint is the one on the box's screen.
func trust(ctx context.Context, c *call, args []string) error {
	file := ""
	if len(args) > 0 {
		file = args[0]
	}
	if c.set.CA != "" && c.fingerprint == "" {
		b, err := open(c.set)
		if err != nil {
			return err
		}
		out, err := c.fetchTrust(ctx, b, file)
		if err != nil {
			return err
		}
		return c.print(out)
	}
	b, err := open(c.set)
	if err != nil {
		return err
	}
	if t, ok := b.client.Transport.(*http.Transport); ok {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} // the fingerprint is the proof
	}
	b.token = ""
	text, _, err := b.json(ctx, http.MethodGet, "certificates/ca.pem", nil)
	if err != nil {
		return err
	}
	out, err := describe(text)
	if err != nil {
		return err
	}
	if plain(c.fingerprint) != plain(out.Fingerprint) {
		return fmt.Errorf("%w: the fingerprint is %s; if the box's screen shows the same, give it with -fingerprint", errUsage, out.Fingerprint)
	}
	c.set.CA = string(text)
	if err := c.set.save(c.config); err != nil {
		return err
	}
	if file != "" {
		out.File = file
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return c.print(out)
}

// plain is a fingerprint in one spelling.
func plain(s string) string {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(s))
	if err != nil {
		return ""
	}
	return string(b)
}

func testCall(ctx context.Context, c *call, _ []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	var found api.SelfCall
	if err := ask(ctx, b, http.MethodPost, "selfcall", nil, &found); err != nil {
		return err
	}
	if err := c.print(found); err != nil || found.OK {
		return err
	}
	return fmt.Errorf("the call does not work: %s", found.Error)
}

func recoveryCodes(ctx context.Context, c *call, _ []string) error {
	if c.as == "" {
		return fmt.Errorf("%w: say for whom, with -as NAME", errUsage)
	}
	return c.send(ctx, http.MethodPost, []string{"session/recovery"})
}

// setNetwork changes the network and confirms it at the new address.
func setNetwork(ctx context.Context, c *call, args []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	raw, header, err := b.json(ctx, http.MethodGet, "settings/network", nil)
	if err != nil {
		return err
	}
	doc, err := c.document(args)
	if err != nil {
		return err
	}
	if _, fields := doc.(map[string]any); fields {
		whole := map[string]any{}
		if err := json.Unmarshal(raw, &whole); err != nil {
			return err
		}
		if err := change(whole, args); err != nil {
			return err
		}
		doc = whole
	}
	var p api.PendingNetwork
	if err := ask(ctx, b, http.MethodPost, "network/propose", doc, &p, "If-Match", header.Get("ETag")); err != nil {
		return err
	}
	there := c.set
	if c.at != "" {
		there.URL = c.at
	}
	next, err := open(there)
	if err != nil {
		return err
	}
	next.cookie = b.cookie
	// The box takes a moment; without an answer it goes back by itself.
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.Seconds)*time.Second)
	defer cancel()
	for {
		raw, _, err := next.json(ctx, http.MethodPost, "network/confirm", api.PendingID{ID: p.ID})
		if err == nil {
			c.set.URL = there.URL
			return errors.Join(c.set.save(c.config), c.show(raw))
		}
		if pr, ok := errors.AsType[api.Problem](err); ok && pr.Status != http.StatusConflict && pr.Status < 500 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody answers at %s, so the box takes the change back: %w", there.URL, err)
		case <-time.After(time.Second):
		}
	}
}
