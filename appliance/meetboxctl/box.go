package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"meetbox.local/appliance/api"
)

// maxAnswer bounds an answer that is not written to a file.
const maxAnswer = 64 << 20

// settings are what is kept of a box.
type settings struct {
	URL   string `json:"url"`
	CA    string `json:"ca"` // PEM; empty: whom this machine trusts
	Token string `json:"token"`
}

func (s settings) save(name string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o600)
}

// load reads the settings; the environment goes before the file.
func load(name string, getenv func(string) string) (s settings, err error) {
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if u := getenv("MEETBOX_URL"); u != "" {
		s.URL = u
	}
	if t := getenv("MEETBOX_TOKEN"); t != "" {
		s.Token = t
	}
	if ca := getenv("MEETBOX_CA"); ca != "" {
		b, err := os.ReadFile(ca)
		if err != nil {
			return s, err
		}
		s.CA = string(b)
	}
	return s, nil
}

// box is a connection to a box's API.
type box struct {
	base   *url.URL
	token  string
	cookie *http.Cookie // of a session that lasts as long as this program
	client *http.Client
}

func open(s settings) (*box, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: give the console's address with -url or MEETBOX_URL, as in https://meetbox.local:8443", errUsage)
	}
	t := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, Proxy: nil}
	if s.CA != "" {
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return nil, errors.New("the CA file has no certificate in it")
		}
	}
	return &box{base: u, token: s.Token, client: &http.Client{Transport: t}}, nil
}

// ask sends one request. path is without /api/v1/.
func (b *box) ask(ctx context.Context, method, path, kind string, body io.Reader, header ...string) (*http.Response, error) {
	u, err := b.base.Parse("/api/v1/" + strings.TrimPrefix(strings.TrimPrefix(path, "/"), "api/v1/"))
	if err != nil {
		return nil, fmt.Errorf("%w: path %q", errUsage, path)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if b.cookie != nil {
		req.AddCookie(b.cookie)
		req.Header.Set("Origin", b.base.Scheme+"://"+b.base.Host)
	} else if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			err = fmt.Errorf("%w; give the box's own authority with -ca (http://ADDRESS/ca.crt has it, compare its fingerprint with the screen's)", err)
		}
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var p api.Problem
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return nil, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return nil, p
}

// json sends a JSON request and returns the answer.
func (b *box) json(ctx context.Context, method, path string, q any, header ...string) ([]byte, http.Header, error) {
	kind, body := "", io.Reader(http.NoBody)
	if q != nil {
		raw, err := json.Marshal(q)
		if err != nil {
			return nil, nil, err
		}
		kind, body = "application/json", bytes.NewReader(raw)
	}
	resp, err := b.ask(ctx, method, path, kind, body, header...)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == "__Host-meetbox" {
			b.cookie = c
		}
	}
	out, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return out, resp.Header, err
}
