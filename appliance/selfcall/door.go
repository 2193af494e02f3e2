package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/coder/websocket"
)

// door is the way in, by HTTPS, that everybody takes.
type door struct {
	base   *url.URL
	client *http.Client
	token  string // JSON Web Token; empty: as a guest
}

var errCertificate = errors.New("the web server shows another certificate than the one that was made for it")

// newDoor accepts, of all certificates, only the given one: whose clock is
// wrong, or who vouches for it, is not what is tested.
func newDoor(address string, certificate []byte) (*door, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address with https://", address)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(certificate) > 0 {
		block, _ := pem.Decode(certificate)
		if block == nil {
			return nil, errors.New("the certificate is not in PEM")
		}
		cfg.InsecureSkipVerify = true // VerifyConnection is stricter
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
				return errCertificate
			}
			return nil
		}
	}
	return &door{base: u, client: &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}}, nil
}

// page asks for the start page.
func (d *door) page(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base.String(), nil)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the start page is answered with %s", resp.Status)
	case !bytes.Contains(b, []byte("<html")):
		return errors.New("the start page is no page")
	}
	return nil
}

// socket opens a WebSocket.
func (d *door) socket(ctx context.Context, path, query, protocol string) (*websocket.Conn, error) {
	u := *d.base
	u.Scheme, u.Path, u.RawQuery = "wss", path, query
	o := &websocket.DialOptions{HTTPClient: d.client}
	if protocol != "" {
		o.Subprotocols = []string{protocol}
	}
	c, resp, err := websocket.Dial(ctx, u.String(), o)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("%s is answered with %s", path, resp.Status)
		}
		return nil, plain(err)
	}
	c.SetReadLimit(1 << 20)
	return c, nil
}

// plain leaves out of an error what only says where it was wrapped.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("the web server's certificate is not trusted here: %w", e)
	}
	if errors.Is(err, errCertificate) {
		return errCertificate
	}
	return err
}
