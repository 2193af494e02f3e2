package api

import (
	"net/netip"
	"time"
)

// Island is the network that the box itself serves, on the ports with the
// role "island".
type Island struct {
	// First and Last are the addresses to lend; none: the upper half of the
	// port's network. They have to lie in one island port's network.
	First netip.Addr `json:"first,omitzero"`
	Last  netip.Addr `json:"last,omitzero"`
	// LeaseMinutes is how long they are lent; 0: twelve hours.
	LeaseMinutes int `json:"lease_minutes,omitzero"`
	// NoDHCP leaves lending addresses to somebody else.
	NoDHCP bool `json:"no_dhcp,omitzero"`
	// NoCaptive leaves the phones' question for the internet unanswered.
	NoCaptive bool `json:"no_captive,omitzero"`
}

// Validate says what is wrong with which field.
func (i Island) Validate() error {
	f := FieldErrors{}
	if i.LeaseMinutes != 0 && (i.LeaseMinutes < 2 || i.LeaseMinutes > 30*24*60) {
		f.Add("lease_minutes", "Give 2 minutes to 30 days (43200 minutes), or 0 for twelve hours.")
	}
	if i.First.IsValid() != i.Last.IsValid() {
		f.Add("last", "Give the first and the last address to lend, or neither.")
	}
	if i.First.IsValid() && !i.First.Is4() {
		f.Add("first", "Give an IPv4 address of the island's network.")
	}
	if i.Last.IsValid() && !i.Last.Is4() {
		f.Add("last", "Give an IPv4 address of the island's network.")
	}
	if i.First.Is4() && i.Last.Is4() && i.Last.Less(i.First) {
		f.Add("last", "Give an address that is not before the first one.")
	}
	return f.Err()
}

// IslandStatus is how the served networks are.
type IslandStatus struct {
	Ports []IslandPortStatus `json:"ports"`
}

// IslandPortStatus is one of them.
type IslandPortStatus struct {
	Name     string        `json:"name"`
	Address  netip.Prefix  `json:"address"`
	DHCP     bool          `json:"dhcp"` // addresses are being lent
	First    netip.Addr    `json:"first,omitzero"`
	Last     netip.Addr    `json:"last,omitzero"`
	Leases   []IslandLease `json:"leases"`
	Problems []string      `json:"problems,omitempty"`
}

// IslandLease is one device with an address of ours.
type IslandLease struct {
	Address netip.Addr `json:"address"`
	MAC     string     `json:"mac"`
	Name    string     `json:"name,omitempty"` // what the device calls itself
	Until   time.Time  `json:"until"`
}
