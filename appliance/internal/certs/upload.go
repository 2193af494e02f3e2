package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
	"software.sslmate.com/src/go-pkcs12"
)

// maxChain bounds the certificates in one upload.
const maxChain = 10

// Upload checks what somebody brought: a certificate with its key and with
// the certificates of everybody above it. pending is the key of a request
// that the box made, nil without one. The error is one that names the field.
func Upload(now time.Time, u api.CertificateUpload, pending []byte) (state.Chain, error) {
	all, keys, err := open(u)
	if err != nil {
		return state.Chain{}, err
	}
	if len(keys) == 0 && pending != nil {
		k, err := x509.ParsePKCS8PrivateKey(pending)
		if err != nil {
			return state.Chain{}, err
		}
		keys = append(keys, k)
	}
	field := "certificates"
	if u.PFX != nil {
		field = "pfx"
	}
	fail := func(format string, args ...any) (state.Chain, error) {
		return state.Chain{}, api.FieldErrors{field: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(all) == 0:
		return fail("There is no certificate in it.")
	case len(all) > maxChain:
		return fail("These are %d certificates. Give the box's own and those above it, no others.", len(all))
	}
	leaf, key := match(all, keys)
	switch {
	case len(keys) == 0:
		return state.Chain{}, api.FieldErrors{"key": "The key is missing. A certificate is of no use without its key; it is in the file beside it, or in a PFX file with both."}
	case leaf == nil && len(u.Key) == 0 && u.PFX == nil:
		return fail("None of these certificates answers the request that the box made. If it is another one, add its key.")
	case leaf == nil:
		return state.Chain{}, api.FieldErrors{"key": "This key does not belong to any of the certificates."}
	case leaf.IsCA:
		return fail("This is the certificate of an authority (%s), not of a server.", leaf.Subject)
	case now.After(leaf.NotAfter):
		return fail("It ended on %s. Ask for a new one; or the box's clock, which says %s, is wrong.", day(leaf.NotAfter), day(now))
	case now.Before(leaf.NotBefore):
		return fail("It begins only on %s. The box's clock says %s; set it if that is wrong.", day(leaf.NotBefore), day(now))
	case len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0:
		return fail("It has no names in it (subject alternative names), so no browser takes it.")
	case len(leaf.ExtKeyUsage) > 0 && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny):
		return fail("It is not meant for a server (extended key usage).")
	}
	if k, ok := leaf.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
		return fail("Its key has %d bits. Browsers want 2048 at least.", k.N.BitLen())
	}
	chain, err := order(leaf, all)
	if err != nil {
		return fail("%s", err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return state.Chain{}, api.FieldErrors{"key": "This kind of key is not known: " + err.Error()}
	}
	out := state.Chain{Key: raw}
	for _, c := range chain {
		out.Certificates = append(out.Certificates, c.Raw)
	}
	return out, nil
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// open takes the upload apart.
func open(u api.CertificateUpload) (all []*x509.Certificate, keys []crypto.PrivateKey, err error) {
	if u.PFX != nil {
		key, leaf, above, err := pkcs12.DecodeChain(u.PFX, u.Password)
		switch {
		case errors.Is(err, pkcs12.ErrIncorrectPassword):
			return nil, nil, api.FieldErrors{"password": "This is not the file's password."}
		case err != nil:
			return nil, nil, api.FieldErrors{"pfx": "This is not a PFX file with one certificate and its key: " + strings.TrimPrefix(err.Error(), "pkcs12: ")}
		}
		return append([]*x509.Certificate{leaf}, above...), []crypto.PrivateKey{key}, nil
	}
	for _, part := range []struct{ field, text string }{{"certificates", u.Certificates}, {"key", u.Key}} {
		rest := []byte(part.text)
		for {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			c, k, err := block(b)
			if err != nil {
				return nil, nil, api.FieldErrors{part.field: err.Error()}
			}
			if c != nil {
				all = append(all, c)
			}
			if k != nil {
				keys = append(keys, k)
			}
		}
		if len(bytes.TrimSpace(rest)) > 0 && part.text == string(rest) {
			return nil, nil, api.FieldErrors{part.field: "This is not PEM: it has no line -----BEGIN …-----. Files with other endings (.pfx, .p12) are given as PFX."}
		}
	}
	return all, keys, nil
}

// block reads one part of a PEM text; of what is no certificate and no key
// neither.
func block(b *pem.Block) (c *x509.Certificate, k crypto.PrivateKey, err error) {
	switch b.Type {
	case "CERTIFICATE":
		if c, err = x509.ParseCertificate(b.Bytes); err != nil {
			return nil, nil, fmt.Errorf("one of the certificates cannot be read: %w", err)
		}
	case "PRIVATE KEY":
		k, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		if b.Headers["DEK-Info"] != "" {
			return nil, nil, errEncrypted
		}
		k, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		if b.Headers["DEK-Info"] != "" {
			return nil, nil, errEncrypted
		}
		k, err = x509.ParseECPrivateKey(b.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, nil, errEncrypted
	}
	return c, k, err
}

var errEncrypted = errors.New("the key has a password of its own: give it without one (openssl pkey -in key.pem), or as a PFX file with its password")

// match finds the certificate that one of the keys belongs to.
func match(all []*x509.Certificate, keys []crypto.PrivateKey) (*x509.Certificate, crypto.PrivateKey) {
	for _, k := range keys {
		s, ok := k.(crypto.Signer)
		if !ok {
			continue
		}
		public, ok := s.Public().(interface{ Equal(crypto.PublicKey) bool })
		if !ok {
			continue
		}
		for _, c := range all {
			if public.Equal(c.PublicKey) {
				return c, k
			}
		}
	}
	return nil, nil
}

// order is the chain from the leaf up to the last one given, each vouched for
// by the next.
func order(leaf *x509.Certificate, all []*x509.Certificate) ([]*x509.Certificate, error) {
	chain := []*x509.Certificate{leaf}
	for c := leaf; !self(c); c = chain[len(chain)-1] {
		i := slices.IndexFunc(all, func(above *x509.Certificate) bool {
			return above.IsCA && !slices.Contains(chain, above) && c.CheckSignatureFrom(above) == nil
		})
		if i < 0 && len(chain) == 1 {
			return nil, fmt.Errorf("the certificate of who signed it is missing: add that of %s, and those above it", c.Issuer)
		}
		if i < 0 {
			break // the root is the devices' business
		}
		chain = append(chain, all[i])
	}
	return chain, nil
}

func self(c *x509.Certificate) bool {
	return c.CheckSignatureFrom(c) == nil || bytes.Equal(c.RawIssuer, c.RawSubject)
}

// Describe says of a chain what an administrator should know; names are the
// box's.
func Describe(now time.Time, ch state.Chain, names []string) (out api.SiteCertificate, err error) {
	var chain []*x509.Certificate
	for _, der := range ch.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return out, err
		}
		chain = append(chain, c)
		out.Chain = append(out.Chain, c.Subject.String())
	}
	if len(chain) == 0 {
		return out, errors.New("a chain without certificates")
	}
	leaf, top := chain[0], chain[len(chain)-1]
	out.Issuer = leaf.Issuer.String()
	if !self(top) {
		out.Chain = append(out.Chain, top.Issuer.String()+" (not given)")
	}
	for _, n := range names {
		if leaf.VerifyHostname(n) != nil && strings.Contains(n, ".") {
			out.Missing = append(out.Missing, n)
		}
	}
	warn := func(format string, args ...any) { out.Warnings = append(out.Warnings, fmt.Sprintf(format, args...)) }
	if leaf.NotAfter.Sub(leaf.NotBefore) > 825*24*time.Hour {
		warn("It lives longer than 825 days. Apple's devices do not take it.")
	}
	for _, c := range chain[1:] {
		if now.After(c.NotAfter) {
			warn("The certificate of %s above it ended on %s.", c.Subject, day(c.NotAfter))
		}
	}
	if self(leaf) {
		warn("It vouches for itself. iPhones and the apps do not take it; use the box's own authority instead.")
	}
	if left := leaf.NotAfter.Sub(now); left < leaf.NotAfter.Sub(leaf.NotBefore)/3 {
		warn("It ends on %s, in %d days.", day(leaf.NotAfter), int(left.Hours()/24))
	}
	return out, nil
}

// Usable says why the chain cannot be used now, or nil.
func Usable(now time.Time, ch state.Chain) error {
	if len(ch.Certificates) == 0 {
		return errors.New("there is none")
	}
	c, err := x509.ParseCertificate(ch.Certificates[0])
	if err == nil && now.After(c.NotAfter) {
		err = fmt.Errorf("it ended on %s", day(c.NotAfter))
	}
	return err
}

// Request makes a key and a request for an authority to sign.
func Request(q api.NewCertificateRequest) (request, key []byte, err error) {
	f := api.FieldErrors{}
	if len(q.Names) == 0 || len(q.Names) > 100 {
		f.Add("names", "Give the names that the certificate is for.")
	}
	for _, n := range q.Names {
		if !api.HostName(n) {
			f.Add("names", n+" is not a host name.")
		}
	}
	if len(q.Organization) > 64 {
		f.Add("organization", "Take at most 64 characters.")
	}
	if err := f.Err(); err != nil {
		return nil, nil, err
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := &x509.CertificateRequest{Subject: pkix.Name{CommonName: q.Names[0]}, DNSNames: q.Names}
	if len(q.Names[0]) > 64 {
		t.Subject.CommonName = "" // X.520's limit
	}
	if q.Organization != "" {
		t.Subject.Organization = []string{q.Organization}
	}
	if request, err = x509.CreateCertificateRequest(rand.Reader, t, k); err != nil {
		return nil, nil, err
	}
	key, err = x509.MarshalPKCS8PrivateKey(k)
	return request, key, err
}

// ChainPEM encodes the chain, without the root, and the key for files.
func ChainPEM(ch state.Chain) (certificates, key []byte) {
	for i, der := range ch.Certificates {
		if c, err := x509.ParseCertificate(der); err == nil && i > 0 && self(c) {
			continue // devices have it or do not trust it
		}
		certificates = append(certificates, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return certificates, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ch.Key})
}

// Leaf is the chain's own certificate.
func Leaf(ch state.Chain) (*x509.Certificate, error) {
	if len(ch.Certificates) == 0 {
		return nil, errors.New("a chain without certificates")
	}
	return x509.ParseCertificate(ch.Certificates[0])
}

// Names are the host names that the chain's certificate is for; one with a
// star says nothing of this box.
func Names(ch state.Chain) []string {
	if len(ch.Certificates) == 0 {
		return nil
	}
	c, err := x509.ParseCertificate(ch.Certificates[0])
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.DNSNames), func(n string) bool { return !api.HostName(n) })
}

// Due says whether a certificate for the names should be asked for: there is
// none, it is for others, or two thirds of its life are over.
func Due(now time.Time, ch state.Chain, names []string) bool {
	if len(ch.Certificates) == 0 {
		return true
	}
	c, err := x509.ParseCertificate(ch.Certificates[0])
	return err != nil || !sameSet(c.DNSNames, names) || !now.Before(RenewAt(c))
}
