// Package certs is the box's own certificate authority: it decides what a
// certificate says, how long it lives and when a new one is due.
//
// Pure but for the system's random numbers: the time is a parameter, and
// keeping or publishing the results is the caller's work.
package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/internal/state"
)

const (
	// Browsers refuse server certificates that live longer than 398 days;
	// a day less leaves room for how they round.
	leafLife = 397 * 24 * time.Hour
	// A device whose clock is behind by up to two days still takes a new leaf.
	backdate = 48 * time.Hour
	// People trust an authority by hand, on every device, once. It must
	// outlive the box.
	authorityLife = 30 * 365 * 24 * time.Hour
)

// authorityStart is a fixed day in the past: a box may have no clock when it
// first starts, and its authority must count as valid on devices that do.
var authorityStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Authority signs leaf certificates.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// NewAuthority makes an authority's certificate and key. Its name carries
// four random digits, so that two boxes can be told apart in a device's list.
func NewAuthority(now time.Time) (state.Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return state.Pair{}, fmt.Errorf("authority: %w", err)
	}
	start := authorityStart
	if now.Before(start) {
		now = start
	}
	t := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Meetbox"}, CommonName: "Meetbox " + rand.Text()[:4] + " authority"},
		NotBefore:             start,
		NotAfter:              now.Add(authorityLife).UTC().Truncate(time.Second),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	p, err := sign(t, t, key, key)
	if err != nil {
		return state.Pair{}, fmt.Errorf("authority: %w", err)
	}
	return p, nil
}

// Load reads an authority that NewAuthority made.
func Load(p state.Pair) (*Authority, error) {
	c, err := x509.ParseCertificate(p.Certificate)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	k, err := x509.ParsePKCS8PrivateKey(p.Key)
	if err != nil {
		return nil, fmt.Errorf("authority's key: %w", err)
	}
	key, ok := k.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(c.PublicKey) {
		return nil, errors.New("authority's key does not belong to its certificate")
	}
	return &Authority{c, key}, nil
}

// Certificate is the authority's own certificate.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// Issue makes a server certificate for the names and addresses, with a new key.
func (a *Authority) Issue(now time.Time, names []string, addrs []netip.Addr) (state.Pair, error) {
	p, err := a.issue(now, names, addrs)
	if err != nil {
		return p, fmt.Errorf("certificate for %s: %w", strings.Join(names, ", "), err)
	}
	return p, nil
}

func (a *Authority) issue(now time.Time, names []string, addrs []netip.Addr) (state.Pair, error) {
	if len(names) == 0 {
		return state.Pair{}, errors.New("no name")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return state.Pair{}, err
	}
	start := now.Add(-backdate).UTC().Truncate(time.Second)
	t := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Meetbox"}, CommonName: names[0]},
		NotBefore:             start,
		NotAfter:              start.Add(leafLife - time.Second), // both ends count
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
	}
	for _, ip := range addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(ip.Unmap().WithZone("").AsSlice()))
	}
	return sign(t, a.certificate, key, a.key)
}

func sign(t, parent *x509.Certificate, key *ecdsa.PrivateKey, by crypto.Signer) (state.Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), by) // makes a random serial number
	if err != nil {
		return state.Pair{}, err
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	return state.Pair{Certificate: der, Key: k}, err
}

// RenewAt is when a new leaf is due although nothing changed: at two thirds
// of its life, so that a box switched off for months still has time.
func RenewAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) * 2 / 3)
}

// Current says why the leaf cannot stay in use, or nil: it must be ours, for
// exactly these names and addresses, begun, and not due for renewal.
func (a *Authority) Current(now time.Time, p state.Pair, names []string, addrs []netip.Addr) error {
	c, err := x509.ParseCertificate(p.Certificate)
	if err != nil {
		return err
	}
	switch {
	case c.CheckSignatureFrom(a.certificate) != nil:
		return errors.New("signed by another authority")
	case !sameSet(c.DNSNames, names):
		return errors.New("the names changed")
	case !sameSet(Addresses(c), addrs):
		return errors.New("the addresses changed")
	case now.Before(c.NotBefore):
		return errors.New("the clock went back before its begin")
	case !now.Before(RenewAt(c)):
		return errors.New("two thirds of its life are over")
	}
	return nil
}

// Addresses are the IP addresses that the certificate is for.
func Addresses(c *x509.Certificate) []netip.Addr {
	var out []netip.Addr
	for _, ip := range c.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			out = append(out, a.Unmap())
		}
	}
	return out
}

func sameSet[T comparable](a, b []T) bool {
	return !slices.ContainsFunc(a, func(v T) bool { return !slices.Contains(b, v) }) &&
		!slices.ContainsFunc(b, func(v T) bool { return !slices.Contains(a, v) })
}

// PEM encodes the certificate and the key for files.
func PEM(p state.Pair) (certificate, key []byte) {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.Key})
}

// Fingerprint is the certificate's SHA-256 the way devices show it, so that
// a person can compare the two.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	var b bytes.Buffer
	for i, c := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", c)
	}
	return b.String()
}
