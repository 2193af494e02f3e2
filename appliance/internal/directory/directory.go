// Package directory asks those who know people without an account of the box:
// an LDAP server (Active Directory too) and a provider of OpenID Connect.
//
// Each way is a chain of links, from the connection to the role; signing in
// and trying the settings go the same chain, so that a test that is green is
// a sign-in that works. Passwords only travel inside of TLS. Every question
// has a time limit. A Service is safe for concurrent use.
package directory

import (
	"context"
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

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

const (
	dialWait = 5 * time.Second
	askWait  = 10 * time.Second
)

// Where somebody is known.
const (
	LDAP = "ldap"
	OIDC = "oidc"
)

// ErrWrong means that nobody is called so, or that the password is wrong, or
// that the person is in no group with a role.
var ErrWrong = errors.New("unknown name, wrong password, or no role")

// ErrGroup means that the password is right, and the person in none of the
// groups whose people host meetings.
var ErrGroup = errors.New("in no group that may host meetings")

// errOff is for who asks all the same.
var errOff = api.Problem{Status: http.StatusNotFound, Code: "off", Detail: "People of a directory do not sign in to meetings on this box."}

// Person is somebody whom a directory vouched for.
type Person struct {
	Name   string
	Called string // the name that others read; "" where the directory has none
	Mail   string
	ID     string // distinguished name, or the provider's subject
	Source string // [LDAP] or [OIDC]
	Groups []string
	Role   api.Role // in the console; none: nothing, or [api.Nobody]
	Host   bool     // may begin meetings
}

// Secrets are what the box proves itself with.
type Secrets struct {
	LDAP state.Secret `json:"ldap,omitempty"`
	OIDC state.Secret `json:"oidc,omitempty"`
}

// with are the secrets with those of a request before them.
func (s Secrets) with(q api.DirectorySecrets) Secrets {
	if q.LDAPPassword != nil {
		s.LDAP = state.Secret(*q.LDAPPassword)
	}
	if q.OIDCSecret != nil {
		s.OIDC = state.Secret(*q.OIDCSecret)
	}
	return s
}

// Service asks with what is in the state.
type Service struct {
	store *state.Store
	now   func() time.Time

	mu      sync.Mutex
	pending map[string]pending // by state, while somebody is at the provider
}

// New makes a service.
func New(store *state.Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, pending: map[string]pending{}}
}

// Settings are the section and what goes with it.
func (s *Service) Settings() (api.Directory, Secrets, error) {
	set, err := s.store.Settings()
	if err != nil {
		return api.Directory{}, Secrets{}, err
	}
	secrets, err := s.Secrets()
	return set.Settings.Directory, secrets, err
}

// Secrets are those that are kept.
func (s *Service) Secrets() (out Secrets, err error) {
	err = s.store.View(func(tx *state.Tx) error {
		out, err = state.Get[Secrets](tx, "machine", "directory")
		return err
	})
	if errors.Is(err, state.ErrNone) {
		err = nil
	}
	return out, err
}

// PutSecrets keeps those that are named.
func (s *Service) PutSecrets(who state.Actor, q api.DirectorySecrets) error {
	return s.store.Update(func(tx *state.Tx) error {
		old, err := state.Get[Secrets](tx, "machine", "directory")
		if err != nil && !errors.Is(err, state.ErrNone) {
			return err
		}
		return errors.Join(state.Put(tx, "machine", "directory", old.with(q)), tx.Audit(who, "directory secrets changed", "", ""))
	})
}

// SignIn asks the LDAP server. It returns [ErrWrong], or why the server could
// not be asked; with no server it is ErrWrong too.
func (s *Service) SignIn(ctx context.Context, name, password string) (Person, error) {
	set, secrets, err := s.Settings()
	if err != nil {
		return Person{}, err
	}
	if set.LDAP.URL == "" || name == "" || password == "" {
		return Person{}, ErrWrong
	}
	c := newChain(s.now)
	p, err := askLDAP(ctx, c, set.LDAP, secrets.LDAP, name, password, true)
	switch {
	case errors.Is(err, ErrWrong), err == nil && p.Role < api.Viewer:
		return Person{}, ErrWrong
	case err != nil:
		return Person{}, silent("The directory could not be asked, so only accounts of the box can sign in now: " + c.last())
	}
	return p, nil
}

func silent(detail string) error {
	return api.Problem{Status: http.StatusServiceUnavailable, Code: "directory", Detail: detail}
}

// Host asks the LDAP server whether somebody may begin meetings. It returns
// [ErrWrong], [ErrGroup] to who knows the password, or why the server could
// not be asked.
func (s *Service) Host(ctx context.Context, name, password string) (Person, error) {
	set, secrets, err := s.Settings()
	switch {
	case err != nil:
		return Person{}, err
	case set.LDAP.URL == "" || !set.LDAP.Hosts.Allowed:
		return Person{}, errOff
	case name == "" || password == "":
		return Person{}, ErrWrong
	}
	// What exactly is wrong with the server is the console's to say.
	p, err := askLDAP(ctx, newChain(s.now), set.LDAP, secrets.LDAP, name, password, true)
	switch {
	case errors.Is(err, ErrWrong):
		return Person{}, ErrWrong
	case err != nil:
		return Person{}, silent("The directory does not answer, so only accounts of the box can begin meetings now.")
	case !p.Host:
		return p, ErrGroup
	}
	return p, nil
}

// Try goes through a chain with settings that are not kept yet.
func (s *Service) Try(ctx context.Context, q api.DirectoryTest) (out api.DirectoryFound, err error) {
	kept, err := s.Secrets()
	if err != nil {
		return out, err
	}
	secrets := kept.with(q.Secrets)
	c := newChain(s.now)
	var p Person
	if q.OIDC {
		err = tryOIDC(ctx, c, q.Directory.OIDC, secrets.OIDC)
	} else if p, err = askLDAP(ctx, c, q.Directory.LDAP, secrets.LDAP, q.Name, q.Password, q.Password != ""); err == nil && q.Name != "" {
		err = allowed(c, q.Directory.LDAP.Hosts, p)
	}
	if err != nil && ctx.Err() != nil {
		return out, err
	}
	return api.DirectoryFound{Checks: c.checks, Broken: c.broken, Person: p.ID, Groups: p.Groups, Role: max(p.Role, api.Nobody), Host: p.Host}, nil
}

// chain notes what became of each link.
type chain struct {
	now    func() time.Time
	checks []api.Check
	broken string
}

func newChain(now func() time.Time) *chain { return &chain{now: now} }

// link runs one link: what was found, or what is wrong and what to do.
func (c *chain) link(name string, look func() (found string, err error)) error {
	begin := time.Now()
	found, err := look()
	check := api.Check{Name: name, State: api.CheckOK, Text: found, Took: time.Since(begin).Milliseconds()}
	if err != nil {
		check.State = api.CheckBroken
		check.Text, check.Advice = explain(err)
		if c.broken == "" {
			c.broken = name
		}
	}
	c.checks = append(c.checks, check)
	return err
}

// last is what the newest link says.
func (c *chain) last() string {
	if len(c.checks) == 0 {
		return ""
	}
	return c.checks[len(c.checks)-1].Text
}

// fault is an error that has its words already.
type fault struct {
	text, advice string
	err          error
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.err }

func wrong(text, advice string) error { return &fault{text, advice, ErrWrong} }

// explain says what an error of the network or of a certificate means, and
// what to do.
func explain(err error) (text, advice string) {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.text, f.advice
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		who := ""
		if e.Cert != nil && len(e.Cert.Issuer.String()) > 0 {
			who = " (" + e.Cert.Issuer.String() + ")"
		}
		return "Its certificate comes from an authority that this box does not know" + who + ".", "Put that authority's certificate into the field for it."
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("Its certificate is for %s, not for %s.", strings.Join(names(e.Certificate), ", "), e.Host), "Use a name that the certificate is for, or have it renewed."
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return fmt.Sprintf("Its certificate is good from %s to %s, and not now.", e.Cert.NotBefore.Format(time.DateOnly), e.Cert.NotAfter.Format(time.DateOnly)), "Have it renewed; if it looks good, compare the box's clock."
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return "Nobody here knows the name " + e.Name + ".", "Look for a typing mistake, and at the DNS server on the page on the network."
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "What answers there does not speak TLS.", "Look at the port: LDAPS has 636, LDAP with StartTLS 389."
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "Nothing listens there.", "Look at the port, and whether the server runs."
	}
	if e, ok := errors.AsType[net.Error](err); (ok && e.Timeout()) || errors.Is(err, context.DeadlineExceeded) {
		return "It does not answer in time.", "Is there a firewall between? Is the address right?"
	}
	if errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) {
		return "There is no way to it from this box.", "Look at the page on the network: addresses and gateway."
	}
	return "It does not work: " + err.Error() + ".", ""
}

func names(c *x509.Certificate) []string {
	out := append([]string{}, c.DNSNames...)
	for _, a := range c.IPAddresses {
		out = append(out, a.String())
	}
	if len(out) == 0 {
		out = []string{"nothing"}
	}
	return out
}

// roots are who is believed: those of the settings, or the system's.
func roots(text string) (*x509.CertPool, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, &fault{text: "The authority's certificate cannot be read.", advice: "Give it in PEM, beginning with -----BEGIN CERTIFICATE-----."}
	}
	return pool, nil
}
