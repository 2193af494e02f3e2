package api

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// CertificateSource is who vouches for the box under its names. Under its
// addresses the box's own authority always does: that way in stays, whatever
// becomes of the other certificate.
type CertificateSource string

// The sources; none is SourceOwn.
const (
	SourceOwn      CertificateSource = "own"      // the box's own authority
	SourceUploaded CertificateSource = "uploaded" // a certificate that somebody brought
	SourceACME     CertificateSource = "acme"     // an authority of the site that speaks ACME (RFC 8555)
)

// Values are the sources' names.
func (CertificateSource) Values() []string {
	return []string{string(SourceOwn), string(SourceUploaded), string(SourceACME)}
}

// CertificateSettings say where the certificate comes from.
type CertificateSettings struct {
	Source CertificateSource `json:"source,omitempty"`
	ACME   ACME              `json:"acme,omitzero"`
}

// ACME is an authority on the site's network, such as step-ca.
type ACME struct {
	Directory string   `json:"directory"`       // URL
	Root      string   `json:"root,omitempty"`  // PEM: who vouches for the directory itself; empty: the box's usual roots
	Email     string   `json:"email,omitempty"` // for the authority
	Names     []string `json:"names"`           // the certificate's
}

// Validate says what is wrong with which field.
func (c CertificateSettings) Validate() error {
	f := FieldErrors{}
	if c.Source != "" && !slices.Contains(c.Source.Values(), string(c.Source)) {
		f.Add("source", "Choose own, uploaded or acme.")
	}
	if c.Source == SourceACME {
		u, err := url.Parse(c.ACME.Directory)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			f.Add("acme.directory", "Give the directory's address, beginning with https://.")
		}
		if len(c.ACME.Names) == 0 {
			f.Add("acme.names", "Give the names that the certificate is for.")
		}
	}
	for _, n := range c.ACME.Names {
		if !HostName(n) {
			f.Add("acme.names", n+" is not a host name.")
		} else if _, err := netip.ParseAddr(n); err == nil {
			f.Add("acme.names", "Addresses stay with the box's own authority; give names.")
		}
	}
	if r := strings.TrimSpace(c.ACME.Root); r != "" && !strings.HasPrefix(r, "-----BEGIN CERTIFICATE-----") {
		f.Add("acme.root", "This has to be a certificate in PEM, beginning with -----BEGIN CERTIFICATE-----.")
	}
	return f.Err()
}

// HostName says whether n is a host name as RFC 1123 has it.
func HostName(n string) bool {
	if n == "" || len(n) > 253 {
		return false
	}
	for label := range strings.SplitSeq(n, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}) {
			return false
		}
	}
	return true
}

// CertificateState is the answer to GET /api/v1/certificates.
type CertificateState struct {
	Source CertificateSource `json:"source"` // in use
	// Site is the certificate from outside, used under its names.
	Site *SiteCertificate `json:"site,omitempty"`
	// Own is the box's own, for all its names and addresses.
	Own       Certificate `json:"own"`
	Authority Certificate `json:"authority"`
	XMPP      Certificate `json:"xmpp"`
	// Request is a question to an authority that waits for its answer.
	Request *CertificateRequest `json:"request,omitempty"`
	// Problem says why there is no certificate from outside although there
	// should be one.
	Problem string `json:"problem,omitempty"`
	// TrustURL is where devices come to trust the box's own authority.
	TrustURL string `json:"trust_url"`
}

// SiteCertificate is a certificate from outside.
type SiteCertificate struct {
	Certificate Certificate `json:"certificate"`
	Issuer      string      `json:"issuer"`
	Chain       []string    `json:"chain"`    // who vouches for whom, up to the last one known
	Missing     []string    `json:"missing"`  // names of the box that it is not for
	Warnings    []string    `json:"warnings"` // in sentences
}

// CertificateUpload is a certificate with what belongs to it, as texts in PEM
// or one PFX file.
type CertificateUpload struct {
	// Certificates is the certificate and those of the authorities above it.
	Certificates string `json:"certificates,omitempty"`
	// Key is the certificate's key; empty for the answer to a request that the
	// box made.
	Key string `json:"key,omitempty"`
	// PFX is a file with all of it (PKCS #12), instead of the two.
	PFX      []byte `json:"pfx,omitempty"`
	Password string `json:"password,omitempty"` // of the PFX file
}

// NewCertificateRequest is what to ask an authority for.
type NewCertificateRequest struct {
	Names        []string `json:"names"`
	Organization string   `json:"organization,omitempty"`
}

// CertificateRequest is a request for an authority to sign (PKCS #10). Its
// key never leaves the box.
type CertificateRequest struct {
	Names []string  `json:"names"`
	Made  time.Time `json:"made"`
	PEM   string    `json:"pem"`
}
