package api

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Names is what the box is called on the network.
type Names struct {
	// Host is announced as HOST.local; "meetbox" when empty.
	Host string `json:"host,omitempty"`
	// Extra are names that the site's own DNS server has for the box.
	Extra []string `json:"extra,omitempty"`
	// Quiet turns the announcements (mDNS, DNS-SD) off.
	Quiet bool `json:"quiet,omitzero"`
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// Validate says what is wrong with which field.
func (n Names) Validate() error {
	f := FieldErrors{}
	if n.Host != "" && (!hostName.MatchString(n.Host) || strings.Contains(n.Host, ".") || len(n.Host) > 60) {
		f.Add("host", "Give one word of a–z, 0–9 and dashes, such as meetbox.")
	}
	if len(n.Extra) > 16 {
		f.Add("extra", "Give at most 16 names.")
	}
	for i, name := range n.Extra {
		_, err := netip.ParseAddr(name)
		switch {
		case len(name) > 253 || !hostName.MatchString(name) || err == nil:
			f.Add(fmt.Sprintf("extra.%d", i), "Give a host name in lower case, such as meet.example.org.")
		case name == "local" || strings.HasSuffix(name, ".local"):
			f.Add(fmt.Sprintf("extra.%d", i), "Names that end in .local are announced by the devices themselves: change the host name instead.")
		}
	}
	return f.Err()
}

// NamesStatus is what the box is called now.
type NamesStatus struct {
	Name     string   `json:"name"`               // as announced: "meetbox.local", after a conflict "meetbox-2.local"
	Announce bool     `json:"announce"`           // it is being announced
	Conflict string   `json:"conflict,omitempty"` // who has the wanted name
	Records  string   `json:"records"`            // to copy for the site's own DNS server
	Problems []string `json:"problems,omitempty"`
}
