package front

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"meetbox.local/web/internal/configjs"
	"meetbox.local/web/internal/policy"
)

// Settings is web.json, as the appliance renders it.
type Settings struct {
	HTTPS       string   `json:"https"`           // listen address
	HTTP        string   `json:"http"`            // listen address
	Admin       string   `json:"admin,omitempty"` // listen address of the console
	Site        *Pair    `json:"site,omitempty"`  // a certificate for some of the names, in place of the box's own
	Certificate string   `json:"certificate"`
	Key         string   `json:"key"`
	CA          string   `json:"ca"`
	Names       []string `json:"names"`      // this box's names and addresses, the best first
	HTTPSPort   int      `json:"https_port"` // as browsers reach it
	Domain      string   `json:"domain"`
	MUCDomain   string   `json:"muc_domain"`
	FocusDomain string   `json:"focus_domain"`
	GuestDomain string   `json:"guest_domain,omitempty"` // where guests log in; empty: where all do
	Frames      []string `json:"frames,omitempty"`       // origins whose pages may show a meeting
	FileBytes   int64    `json:"file_bytes,omitempty"`   // of one file that is shared; 0: none are
	Directory   bool     `json:"directory,omitempty"`    // its people sign in to begin meetings
	Captive     bool     `json:"captive,omitempty"`      // phones ask here whether there is the internet
}

// Pair is a certificate and its key, as files.
type Pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// site is what one version of the settings means for a request. It is
// replaced whole at a reload.
type site struct {
	hosts   policy.Hosts
	port    int
	config  configjs.Options
	ca      []byte // PEM
	captive bool
}

func (s Settings) site() (*site, error) {
	hosts, err := policy.NewHosts(s.Names)
	if err != nil {
		return nil, err
	}
	if s.HTTPSPort < 1 || s.HTTPSPort > 65535 {
		return nil, fmt.Errorf("https_port: %d is not a port", s.HTTPSPort)
	}
	if s.Domain == "" || s.MUCDomain == "" || s.FocusDomain == "" {
		return nil, errors.New("domain, muc_domain or focus_domain is empty")
	}
	for _, origin := range s.Frames {
		if u, err := url.Parse(origin); err != nil || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, "; ,'") {
			return nil, fmt.Errorf("frames: %q is not an origin", origin)
		}
	}
	ca, err := authority(s.CA)
	if err != nil {
		return nil, err
	}
	return &site{
		hosts: hosts,
		port:  s.HTTPSPort,
		config: configjs.Options{
			Domains: configjs.Domains{Domain: s.Domain, MUC: s.MUCDomain, Focus: s.FocusDomain, Guests: s.GuestDomain},
			Frames:  s.Frames, FileBytes: s.FileBytes, Directory: s.Directory,
		},
		ca:      ca,
		captive: s.Captive,
	}, nil
}

// authority reads the certificates of the box's authority, and nothing else
// that may be in the file: it is going to be handed to everyone.
func authority(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	var out []byte
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("ca %s: %w", name, err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
	if out == nil {
		return nil, fmt.Errorf("ca %s: no certificate in it", name)
	}
	return out, nil
}
