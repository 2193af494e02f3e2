package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"software.sslmate.com/src/go-pkcs12"
)

// made is a certificate with its key.
type made struct {
	c *x509.Certificate
	k *ecdsa.PrivateKey
}

func (m made) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.c.Raw}))
}

func (m made) key(t *testing.T) string {
	t.Helper()
	b, err := x509.MarshalPKCS8PrivateKey(m.k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}

var day1 = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// brought makes a certificate; by nil is by itself.
func brought(t *testing.T, name string, by *made, change func(*x509.Certificate)) made {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: day1, NotAfter: day1.AddDate(1, 0, 0), BasicConstraintsValid: true,
	}
	if change == nil {
		tmpl.DNSNames = []string{name}
	} else {
		change(tmpl)
	}
	parent, key := tmpl, k
	if by != nil {
		parent, key = by.c, by.k
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &k.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made{c, k}
}

func ca(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func TestUpload(t *testing.T) {
	t.Parallel()
	root := brought(t, "Site Root", nil, ca)
	middle := brought(t, "Site Issuing", &root, ca)
	leaf := brought(t, "meet.site.example", &middle, nil)
	other := brought(t, "other.site.example", &middle, nil)
	stranger := brought(t, "Other Root", nil, ca)
	noName := brought(t, "box", &middle, func(*x509.Certificate) {})
	client := brought(t, "person", &middle, func(c *x509.Certificate) {
		c.DNSNames, c.ExtKeyUsage = []string{"a.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	whole := leaf.pem() + middle.pem() + root.pem()
	pfx, err := pkcs12.Modern.Encode(leaf.k, leaf.c, []*x509.Certificate{middle.c, root.c}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := pkcs12.LegacyDES.Encode(leaf.k, leaf.c, []*x509.Certificate{middle.c}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(small)}))
	sealed := "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
	now := day1.AddDate(0, 1, 0)
	for _, tc := range []struct {
		name  string
		u     api.CertificateUpload
		now   time.Time
		chain int
		field string
		has   string
	}{
		{"whole chain", api.CertificateUpload{Certificates: whole, Key: leaf.key(t)}, now, 3, "", ""},
		{"wrong order, with others", api.CertificateUpload{Certificates: root.pem() + stranger.pem() + middle.pem() + leaf.pem(), Key: leaf.key(t)}, now, 3, "", ""},
		{"all in one text", api.CertificateUpload{Certificates: leaf.key(t) + whole}, now, 3, "", ""},
		{"without the root", api.CertificateUpload{Certificates: leaf.pem() + middle.pem(), Key: leaf.key(t)}, now, 2, "", ""},
		{"PFX", api.CertificateUpload{PFX: pfx, Password: "secret"}, now, 3, "", ""},
		{"old PFX", api.CertificateUpload{PFX: legacy, Password: "secret"}, now, 2, "", ""},
		{"PFX, wrong password", api.CertificateUpload{PFX: pfx, Password: "guess"}, now, 0, "password", "not the file's password"},
		{"PFX that is none", api.CertificateUpload{PFX: []byte("zip")}, now, 0, "pfx", "not a PFX"},
		{"no key", api.CertificateUpload{Certificates: whole}, now, 0, "key", "key is missing"},
		{"another key", api.CertificateUpload{Certificates: whole, Key: other.key(t)}, now, 0, "key", "does not belong"},
		{"another kind of key", api.CertificateUpload{Certificates: whole, Key: rsaKey}, now, 0, "key", "does not belong"},
		{"key with a password", api.CertificateUpload{Certificates: whole, Key: sealed}, now, 0, "key", "password of its own"},
		{"no intermediate", api.CertificateUpload{Certificates: leaf.pem(), Key: leaf.key(t)}, now, 0, "certificates", "CN=Site Issuing"},
		{"wrong intermediate", api.CertificateUpload{Certificates: leaf.pem() + stranger.pem(), Key: leaf.key(t)}, now, 0, "certificates", "CN=Site Issuing"},
		{"an authority's", api.CertificateUpload{Certificates: root.pem(), Key: root.key(t)}, now, 0, "certificates", "of an authority"},
		{"ended", api.CertificateUpload{Certificates: whole, Key: leaf.key(t)}, day1.AddDate(64, 0, 0), 0, "certificates", "ended on 1 November 2027"},
		{"not begun", api.CertificateUpload{Certificates: whole, Key: leaf.key(t)}, time.Unix(0, 0), 0, "certificates", "1 January 1970"},
		{"no names", api.CertificateUpload{Certificates: noName.pem() + middle.pem(), Key: noName.key(t)}, now, 0, "certificates", "no names"},
		{"for persons", api.CertificateUpload{Certificates: client.pem() + middle.pem(), Key: client.key(t)}, now, 0, "certificates", "not meant for a server"},
		{"DER as text", api.CertificateUpload{Certificates: string(leaf.c.Raw), Key: leaf.key(t)}, now, 0, "certificates", "not PEM"},
		{"broken PEM", api.CertificateUpload{Certificates: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Key: leaf.key(t)}, now, 0, "certificates", "cannot be read"},
		{"nothing", api.CertificateUpload{}, now, 0, "certificates", "no certificate"},
		{"many", api.CertificateUpload{Certificates: strings.Repeat(root.pem(), 20), Key: leaf.key(t)}, now, 0, "certificates", "20 certificates"},
	} {
		ch, err := Upload(tc.now, tc.u, nil)
		if tc.field == "" {
			if err != nil || len(ch.Certificates) != tc.chain {
				t.Errorf("%s: %d certificates, %v", tc.name, len(ch.Certificates), err)
			}
			continue
		}
		fields, ok := errors.AsType[api.FieldErrors](err)
		if !ok || !strings.Contains(fields[tc.field], tc.has) {
			t.Errorf("%s: %v, want %q at %s", tc.name, err, tc.has, tc.field)
		}
	}

	ch, err := Upload(now, api.CertificateUpload{Certificates: whole, Key: leaf.key(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	crt, _ := ChainPEM(ch)
	if n := strings.Count(string(crt), "BEGIN"); n != 2 {
		t.Errorf("%d certificates served, want the leaf and the one above it", n)
	}
	site, err := Describe(now, ch, []string{"meet.site.example", "meetbox.local", "localhost"})
	if err != nil || strings.Join(site.Missing, " ") != "meetbox.local" || len(site.Chain) != 3 {
		t.Errorf("Describe = %+v, %v", site, err)
	}
	if !Due(now, ch, []string{"new.example"}) || Due(now, ch, []string{"meet.site.example"}) || !Due(day1.AddDate(0, 9, 0), ch, []string{"meet.site.example"}) {
		t.Error("Due is wrong")
	}
}

// TestRequest: the answer to the box's own request needs no key.
func TestRequest(t *testing.T) {
	t.Parallel()
	der, key, err := Request(api.NewCertificateRequest{Names: []string{"meet.site.example", "box.site.example"}, Organization: "Town Hall"})
	if err != nil {
		t.Fatal(err)
	}
	q, err := x509.ParseCertificateRequest(der)
	if err != nil || q.CheckSignature() != nil || len(q.DNSNames) != 2 {
		t.Fatalf("%+v, %v", q, err)
	}
	root := brought(t, "Site Root", nil, ca)
	k, ok := q.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		t.Fatal("no ECDSA key")
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: day1, NotAfter: day1.AddDate(1, 0, 0), DNSNames: q.DNSNames, BasicConstraintsValid: true}
	signed, err := x509.CreateCertificate(rand.Reader, tmpl, root.c, k, root.k)
	if err != nil {
		t.Fatal(err)
	}
	answer := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})) + root.pem()
	if _, err := Upload(day1, api.CertificateUpload{Certificates: answer}, key); err != nil {
		t.Errorf("the answer: %v", err)
	}
	other := brought(t, "other.example", &root, nil)
	if _, err := Upload(day1, api.CertificateUpload{Certificates: other.pem() + root.pem()}, key); err == nil || !strings.Contains(err.Error(), "None of these") {
		t.Errorf("another's answer: %v", err)
	}
	if _, _, err := Request(api.NewCertificateRequest{Names: []string{"not a name"}}); err == nil {
		t.Error("a name that is none")
	}
}

func FuzzUpload(f *testing.F) {
	f.Add("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", []byte(nil))
	f.Add("", "", []byte{0x30, 0x82})
	f.Fuzz(func(t *testing.T, certificates, key string, pfx []byte) {
		if len(pfx) == 0 {
			pfx = nil
		}
		_, err := Upload(day1, api.CertificateUpload{Certificates: certificates, Key: key, PFX: pfx}, nil)
		if _, ok := errors.AsType[api.FieldErrors](err); err != nil && !ok {
			t.Errorf("an error without a field: %v", err)
		}
	})
}
