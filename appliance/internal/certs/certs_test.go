package certs

import (
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/internal/state"
)

var (
	now   = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	names = []string{"meetbox.local", "localhost"}
	addrs = []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("127.0.0.1")}
)

func authority(t *testing.T) *Authority {
	t.Helper()
	p, err := NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Load(p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *Authority) (state.Pair, *x509.Certificate) {
	t.Helper()
	p, err := a.Issue(now, names, addrs)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(p.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

func TestLeafVerifies(t *testing.T) {
	t.Parallel()
	a := authority(t)
	_, leaf := issue(t, a)
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate())
	for _, host := range []string{"meetbox.local", "localhost", "192.0.2.7", "[2001:db8::7]", "127.0.0.1"} {
		// The device's clock may be up to two days behind ours.
		for _, at := range []time.Time{now.Add(-47 * time.Hour), now, now.Add(390 * 24 * time.Hour)} {
			if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: at}); err != nil {
				t.Errorf("%s at %v: %v", host, at, err)
			}
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "elsewhere.example", Roots: pool, CurrentTime: now}); err == nil {
		t.Error("verifies for a name that it is not for")
	}
}

func TestLeafContents(t *testing.T) {
	t.Parallel()
	a := authority(t)
	_, c := issue(t, a)
	if life := c.NotAfter.Sub(c.NotBefore) + time.Second; life > 397*24*time.Hour {
		t.Errorf("lives %v, browsers take 398 days", life)
	}
	if want := now.Add(-48 * time.Hour); !c.NotBefore.Equal(want) {
		t.Errorf("begins %v, want %v", c.NotBefore, want)
	}
	if c.IsCA || c.KeyUsage != x509.KeyUsageDigitalSignature || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("CA %v, usage %v, %v", c.IsCA, c.KeyUsage, c.ExtKeyUsage)
	}
	if got := Addresses(c); !slices.Equal(got, addrs) {
		t.Errorf("addresses %v, want %v", got, addrs)
	}
	if _, other := issue(t, a); other.SerialNumber.Cmp(c.SerialNumber) == 0 {
		t.Error("two leaves with one serial number")
	}
	ca := a.Certificate()
	if !ca.IsCA || !ca.MaxPathLenZero || ca.NotAfter.Before(now.AddDate(20, 0, 0)) || ca.NotBefore.After(now) {
		t.Errorf("authority: CA %v, path %v, %v to %v", ca.IsCA, ca.MaxPathLen, ca.NotBefore, ca.NotAfter)
	}
	if _, err := a.Issue(now, nil, addrs); err == nil {
		t.Error("issued without a name")
	}
}

// A box without a clock makes an authority that devices with one accept.
func TestAuthorityWithoutClock(t *testing.T) {
	t.Parallel()
	p, err := NewAuthority(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	a, err := Load(p)
	if err != nil {
		t.Fatal(err)
	}
	if c := a.Certificate(); now.Before(c.NotBefore) || now.AddDate(10, 0, 0).After(c.NotAfter) {
		t.Errorf("valid %v to %v", c.NotBefore, c.NotAfter)
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	a, other := authority(t), authority(t)
	p, c := issue(t, a)
	two := c.NotBefore.Add(397 * 24 * time.Hour * 2 / 3)
	tests := []struct {
		name  string
		by    *Authority
		at    time.Time
		names []string
		addrs []netip.Addr
		why   string
	}{
		{"fresh", a, now, names, addrs, ""},
		{"another order", a, now, []string{"localhost", "meetbox.local"}, []netip.Addr{addrs[2], addrs[0], addrs[1]}, ""},
		{"just before two thirds", a, two.Add(-time.Minute), names, addrs, ""},
		{"two thirds", a, two, names, addrs, "two thirds"},
		{"clock went back", a, now.AddDate(0, 0, -3), names, addrs, "clock"},
		{"an address came", a, now, names, append(slices.Clone(addrs), netip.MustParseAddr("10.0.0.1")), "addresses"},
		{"an address went", a, now, names, addrs[:2], "addresses"},
		{"another name", a, now, []string{"meetbox.local", "vm"}, addrs, "names"},
		{"another authority", other, now, names, addrs, "authority"},
	}
	for _, tc := range tests {
		err := tc.by.Current(tc.at, p, tc.names, tc.addrs)
		if (err == nil) != (tc.why == "") || err != nil && !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: Current = %v, want %q", tc.name, err, tc.why)
		}
	}
	if err := a.Current(now, state.Pair{Certificate: []byte("junk")}, names, addrs); err == nil {
		t.Error("junk is current")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	p, err1 := NewAuthority(now)
	q, err2 := NewAuthority(now)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for name, bad := range map[string]state.Pair{
		"nothing":         {},
		"no key":          {Certificate: p.Certificate},
		"another's key":   {Certificate: p.Certificate, Key: q.Key},
		"no certificate":  {Key: p.Key},
		"damaged":         {Certificate: p.Certificate[:100], Key: p.Key},
		"the wrong order": {Certificate: p.Key, Key: p.Certificate},
	} {
		if _, err := Load(bad); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestPEM(t *testing.T) {
	t.Parallel()
	p, c := issue(t, authority(t))
	certificate, key := PEM(p)
	b, rest := pem.Decode(certificate)
	if b == nil || b.Type != "CERTIFICATE" || len(rest) > 0 || string(b.Bytes) != string(c.Raw) {
		t.Errorf("certificate:\n%s", certificate)
	}
	if b, _ := pem.Decode(key); b == nil || b.Type != "PRIVATE KEY" {
		t.Errorf("the key's block: %v", b)
	}
	if f := Fingerprint(c.Raw); !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(f) {
		t.Errorf("fingerprint %s", f)
	}
}
