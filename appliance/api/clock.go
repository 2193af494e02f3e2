package api

import (
	"fmt"
	"net/netip"
	"time"
)

// Clock is where the box has its time from.
type Clock struct {
	// NTP are the time servers to ask, names or addresses; empty: those that
	// the DHCP server names. Nobody else is ever asked.
	NTP []string `json:"ntp,omitempty"`
	// Off asks nobody, whatever the DHCP server names.
	Off bool `json:"off,omitzero"`
}

// Validate says what is wrong with which field.
func (c Clock) Validate() error {
	f := FieldErrors{}
	if len(c.NTP) > 8 {
		f.Add("ntp", "Give at most eight servers.")
	}
	for i, s := range c.NTP {
		a, err := netip.ParseAddr(s)
		if err != nil && (len(s) > 253 || !hostName.MatchString(s)) || err == nil && (a.IsUnspecified() || a.IsMulticast()) {
			f.Add(fmt.Sprintf("ntp.%d", i), "Give a host name in lower case or an IP address, such as ntp.example.org or 192.168.1.1.")
		}
	}
	return f.Err()
}

// ClockSource is where the time came from last.
type ClockSource string

// The sources, from the least to the best.
const (
	ClockBuild   ClockSource = "build"   // the box was built then: it is later than that
	ClockSaved   ClockSource = "saved"   // the box was turned on then: it is later than that
	ClockBattery ClockSource = "battery" // the hardware clock
	ClockBrowser ClockSource = "browser" // an administrator's computer
	ClockNTP     ClockSource = "ntp"
)

// Values are all sources.
func (ClockSource) Values() []string {
	return []string{string(ClockBuild), string(ClockSaved), string(ClockBattery), string(ClockBrowser), string(ClockNTP)}
}

// ClockStatus is what the box thinks the time is, and why.
type ClockStatus struct {
	Now     time.Time     `json:"now"`
	Source  ClockSource   `json:"source"`
	Trusted bool          `json:"trusted"`      // somebody outside this box has said so
	Set     time.Time     `json:"set,omitzero"` // when the source was heard last
	Offset  float64       `json:"offset"`       // seconds still to be made up for, slowly
	Servers []ClockServer `json:"servers"`      // those that are asked
	Problem string        `json:"problem,omitempty"`
	RTC     bool          `json:"rtc"` // the machine has a hardware clock
}

// ClockServer is one time server.
type ClockServer struct {
	Name    string    `json:"name"`
	Heard   time.Time `json:"heard,omitzero"`
	Stratum int       `json:"stratum,omitzero"`
	Offset  float64   `json:"offset"` // seconds that we are behind it
	Delay   float64   `json:"delay"`  // seconds there and back
	Problem string    `json:"problem,omitempty"`
}

// SetClock is an administrator's browser saying what time it is.
type SetClock struct {
	Now time.Time `json:"now"`
}
