// Package acme gets certificates from an authority on the site's network that
// speaks ACME (RFC 8555), such as step-ca: account, order, the proof over
// plain HTTP, and the certificate.
//
// Obtain does it once; when, and what becomes of the result, is the caller's
// business. The answers that the authority comes to fetch are in Answers.
package acme

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/acme"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// Path is where the authority asks for the proof, on port 80.
const Path = "/.well-known/acme-challenge/"

const (
	// timeout is for everything together; the authority is next door.
	timeout = 3 * time.Minute
	// requestTime is for one request.
	requestTime = 30 * time.Second
)

// Answers are what the authority may fetch now. The zero value has none.
type Answers struct {
	mu    sync.Mutex
	texts map[string]string // by path
}

func (a *Answers) put(path, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.texts == nil {
		a.texts = map[string]string{}
	}
	a.texts[path] = text
}

func (a *Answers) drop(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.texts, path)
}

// ServeHTTP answers the authority.
func (a *Answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	text, ok := a.texts[r.URL.Path]
	a.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := w.Write([]byte(text)); err != nil {
		return // it went away
	}
}

// NewAccountKey makes the key of an account, PKCS #8.
func NewAccountKey() ([]byte, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(k)
}

// Obtain gets a certificate for the names in set. The error is for people.
func Obtain(ctx context.Context, set api.ACME, account []byte, answers *Answers) (state.Chain, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	key, err := signer(account)
	if err != nil {
		return state.Chain{}, fmt.Errorf("the account's key: %w", err)
	}
	web, err := client(set.Root)
	if err != nil {
		return state.Chain{}, err
	}
	defer web.CloseIdleConnections()
	o := order{set: set, answers: answers, client: &acme.Client{Key: key, DirectoryURL: set.Directory, HTTPClient: web, UserAgent: "meetbox"}}
	ch, err := o.run(ctx)
	if err != nil {
		return ch, plain(err)
	}
	return ch, nil
}

func signer(der []byte) (crypto.Signer, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, errors.New("it cannot sign")
	}
	return s, nil
}

// client trusts the site's own root where there is one, and nobody else then.
func client(root string) (*http.Client, error) {
	t := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	if strings.TrimSpace(root) != "" {
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(root)) {
			return nil, errors.New("the root has no certificate in it that can be read")
		}
	}
	return &http.Client{Transport: t, Timeout: requestTime}, nil
}

// order is one certificate on its way.
type order struct {
	set     api.ACME
	client  *acme.Client
	answers *Answers
}

func (o order) run(ctx context.Context) (ch state.Chain, err error) {
	account := &acme.Account{}
	if o.set.Email != "" {
		account.Contact = []string{"mailto:" + o.set.Email}
	}
	if _, err := o.client.Register(ctx, account, acme.AcceptTOS); err != nil && !errors.Is(err, acme.ErrAccountAlreadyExists) {
		return ch, fmt.Errorf("the authority gives no account: %w", err)
	}
	order, err := o.client.AuthorizeOrder(ctx, acme.DomainIDs(o.set.Names...))
	if err != nil {
		return ch, fmt.Errorf("the authority takes no order for %s: %w", strings.Join(o.set.Names, ", "), err)
	}
	for _, url := range order.AuthzURLs {
		if err := o.prove(ctx, url); err != nil {
			return ch, err
		}
	}
	if order, err = o.client.WaitOrder(ctx, order.URI); err != nil {
		return ch, fmt.Errorf("the authority refuses the order: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ch, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: o.set.Names}, key)
	if err != nil {
		return ch, err
	}
	if ch.Certificates, err = o.finish(ctx, order, request); err != nil {
		return ch, fmt.Errorf("the authority gives no certificate: %w", err)
	}
	if ch.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return ch, err
	}
	return ch, o.check(ch, key)
}

// finish hands in the request and fetches the certificate.
func (o order) finish(ctx context.Context, order *acme.Order, request []byte) ([][]byte, error) {
	ders, _, err := o.client.CreateOrderCert(ctx, order.FinalizeURL, request, true)
	if err == nil {
		return ders, nil
	}
	// Authorities that work on it for a while do not have to say again where
	// the order is (RFC 8555 section 7.4); the client asks nobody then.
	again, werr := o.client.WaitOrder(ctx, order.URI)
	if werr != nil || again.CertURL == "" {
		return nil, errors.Join(err, werr)
	}
	return o.client.FetchCert(ctx, again.CertURL, true)
}

// prove shows that the name leads here.
func (o order) prove(ctx context.Context, url string) error {
	z, err := o.client.GetAuthorization(ctx, url)
	if err != nil {
		return err
	}
	if z.Status == acme.StatusValid {
		return nil
	}
	for _, c := range z.Challenges {
		if c.Type != "http-01" {
			continue
		}
		text, err := o.client.HTTP01ChallengeResponse(c.Token)
		if err != nil {
			return err
		}
		path := o.client.HTTP01ChallengePath(c.Token)
		o.answers.put(path, text)
		defer o.answers.drop(path)
		if _, err := o.client.Accept(ctx, c); err != nil {
			return fmt.Errorf("proof for %s: %w", z.Identifier.Value, err)
		}
		if _, err := o.client.WaitAuthorization(ctx, z.URI); err != nil {
			return fmt.Errorf("the authority could not see that %s is this box; it asks http://%s%s…, on port 80: %w", z.Identifier.Value, z.Identifier.Value, Path, err)
		}
		return nil
	}
	return fmt.Errorf("the authority wants a proof for %s other than over HTTP, which the box cannot give", z.Identifier.Value)
}

// check looks at what came: the authority is trusted to sign, not to send.
func (o order) check(ch state.Chain, key *ecdsa.PrivateKey) error {
	if len(ch.Certificates) == 0 {
		return errors.New("the authority sent no certificate")
	}
	c, err := x509.ParseCertificate(ch.Certificates[0])
	if err != nil {
		return fmt.Errorf("the authority's certificate: %w", err)
	}
	if !key.PublicKey.Equal(c.PublicKey) {
		return errors.New("the authority sent a certificate for another key")
	}
	for _, n := range o.set.Names {
		if c.VerifyHostname(n) != nil {
			return fmt.Errorf("the authority's certificate is not for %s", n)
		}
	}
	for _, der := range ch.Certificates[1:] {
		if _, err := x509.ParseCertificate(der); err != nil || bytes.Equal(der, ch.Certificates[0]) {
			return errors.New("the authority sent a chain that cannot be read")
		}
	}
	return nil
}

// plain says in words what an administrator can mend.
func plain(err error) error {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		who := ""
		if e.Cert != nil {
			who = " (" + e.Cert.Issuer.String() + ")"
		}
		return fmt.Errorf("the box does not trust the directory's own certificate%s: give its root", who)
	}
	if e, ok := errors.AsType[*acme.AuthorizationError](err); ok {
		return fmt.Errorf("%w (%w)", err, errors.Join(e.Errors...))
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return fmt.Errorf("there is no host %s: check the directory's address", e.Name)
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errors.New("nothing listens at the directory's address: check its name and port")
	}
	return err
}
