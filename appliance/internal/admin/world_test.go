package admin

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/accounts"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/directory"
	"meetbox.local/appliance/internal/state"
)

const password = "correct horse battery"

// box is the real handler over a real file.
type box struct {
	parts   *Parts
	srv     *httptest.Server
	applied int
}

// Status implements Source.
func (b *box) Status() api.Status {
	return api.Status{Names: []string{"meetbox.local"}, Version: "test"}
}

// Certificates implements Source.
func (b *box) Certificates() Leaves {
	pair, err := certs.NewAuthority(time.Now())
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(pair.Certificate)
	if err != nil {
		panic(err)
	}
	return Leaves{c, c, c}
}

func newBox(t *testing.T) *box {
	t.Helper()
	store, err := state.Open(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := &box{}
	outside := directory.New(store, time.Now)
	b.parts = &Parts{
		Directory: outside,
		Log:       slog.New(slog.DiscardHandler), Source: b, Store: store, Accounts: accounts.New(store, time.Now),
		Control: func(string) string { return "/nowhere" },
		Apply:   func(context.Context) error { b.applied++; return nil },
	}
	b.parts.Accounts.Outside = outside
	b.srv = httptest.NewServer(Handler(b.parts))
	t.Cleanup(b.srv.Close)
	return b
}

// client is one browser, or one program.
type client struct {
	t      *testing.T
	b      *box
	from   string
	cookie string
	token  string
	header map[string]string
}

func (b *box) client(t *testing.T) *client {
	return &client{t: t, b: b, from: "192.0.2.50", header: map[string]string{"Sec-Fetch-Site": "same-origin"}}
}

type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem api.Problem
}

func (c *client) do(method, path string, body any, header ...string) answer {
	c.t.Helper()
	var r io.Reader = http.NoBody
	switch v := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.b.srv.URL+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", c.from)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if c.cookie != "" {
		req.AddCookie(&http.Cookie{Name: Cookie, Value: c.cookie})
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.b.srv.Client().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := answer{status: resp.StatusCode, header: resp.Header}
	if out.body, err = io.ReadAll(resp.Body); err != nil {
		c.t.Fatal(err)
	}
	if resp.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.Unmarshal(out.body, &out.problem); err != nil || out.problem.Status != resp.StatusCode || out.problem.Detail == "" {
			c.t.Errorf("%s %s: problem %s (%v)", method, path, out.body, err)
		}
	}
	for _, k := range resp.Cookies() {
		if k.Name == Cookie {
			c.cookie = k.Value
		}
	}
	return out
}

// want asks and expects the status.
func (c *client) want(status int, method, path string, body any, header ...string) answer {
	c.t.Helper()
	a := c.do(method, path, body, header...)
	if a.status != status {
		c.t.Errorf("%s %s = %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

func read[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// claimed is a box with an owner, who is signed in.
func claimed(t *testing.T) (*box, *client, api.Claimed) {
	t.Helper()
	b := newBox(t)
	code, err := b.parts.Accounts.SetupCode()
	if err != nil {
		t.Fatal(err)
	}
	c := b.client(t)
	a := c.want(200, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "Ada Town", Password: password})
	return b, c, read[api.Claimed](t, a)
}
