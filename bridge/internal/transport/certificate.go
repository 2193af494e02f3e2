package transport

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha1" // fingerprints of old clients
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"strings"
	"time"
)

// certificateAge is how long new sessions get the same certificate. It only
// names a session's end of DTLS, so a day's sharing costs nothing and saves a
// key generation at every join.
const certificateAge = 24 * time.Hour

// certificate is self-signed; what counts is its fingerprint in the signalling.
type certificate struct {
	tls         tls.Certificate
	fingerprint string
	made        time.Time
}

func newCertificate(now time.Time) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "meetbox"},
		NotBefore:    now.Add(-24 * time.Hour), // for clients whose clocks are behind
		NotAfter:     now.Add(7 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &certificate{
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: fingerprint(crypto.SHA256, der),
		made:        now,
	}, nil
}

// fingerprint is the hash in upper-case hex with colons (RFC 8122).
func fingerprint(h crypto.Hash, der []byte) string {
	sum := h.New()
	sum.Write(der)
	digits := strings.ToUpper(hex.EncodeToString(sum.Sum(nil)))
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

// hashes are those accepted in fingerprints, the strongest first.
var hashes = []struct {
	name string
	hash crypto.Hash
}{
	{"sha-512", crypto.SHA512}, {"sha-384", crypto.SHA384}, {"sha-256", crypto.SHA256}, {"sha-1", crypto.SHA1},
}

// matches says whether one of the signalled fingerprints is the certificate's.
// Only those of the strongest signalled hash count.
func matches(signalled []Fingerprint, der []byte) bool {
	for _, h := range hashes {
		found := false
		for _, f := range signalled {
			if !strings.EqualFold(f.Hash, h.name) {
				continue
			}
			found = true
			if strings.EqualFold(f.Value, fingerprint(h.hash, der)) {
				return true
			}
		}
		if found {
			return false
		}
	}
	return false
}

// usable says whether any fingerprint is of a hash we know.
func usable(signalled []Fingerprint) bool {
	for _, f := range signalled {
		for _, h := range hashes {
			if strings.EqualFold(f.Hash, h.name) {
				return true
			}
		}
	}
	return false
}
