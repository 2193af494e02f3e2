package api

import "time"

// Log is what the services printed last, the newest at the end.
type Log struct {
	Lines []LogLine `json:"lines"`
	More  bool      `json:"more"` // there are older ones that fit
}

// LogLine is one line of one service.
type LogLine struct {
	At      time.Time `json:"at,omitzero"`
	Service string    `json:"service"`
	Level   string    `json:"level"` // DEBUG, INFO, WARN, ERROR; "" for what a library printed
	Text    string    `json:"text"`
}

// CheckState is the outcome of a check.
type CheckState uint8

// The outcomes.
const (
	CheckOK      CheckState = iota + 1
	CheckBroken             // this has to be mended
	CheckUnclear            // it could not be found out
	CheckSkipped            // an earlier one is broken, or there is nothing to check
)

var checkNames = []string{"ok", "broken", "unclear", "skipped"}

// Values are the outcomes' names.
func (CheckState) Values() []string { return checkNames }

// MarshalText is the outcome's name.
func (s CheckState) MarshalText() ([]byte, error) { return marshalName(checkNames, uint8(s)) }

// UnmarshalText reads an outcome's name.
func (s *CheckState) UnmarshalText(b []byte) error {
	n, err := unmarshalName(checkNames, b)
	*s = CheckState(n)
	return err
}

// Check is one link of the chain from the cable to a call.
type Check struct {
	Name   string     `json:"name"` // link, address, gateway, dns, clock, certificate, services, ports, call
	State  CheckState `json:"state"`
	Text   string     `json:"text"`             // what was found
	Advice string     `json:"advice,omitempty"` // what to do
	Took   int64      `json:"took_ms"`
}

// Diagnostics is the chain, each link after those that it needs.
type Diagnostics struct {
	Checks []Check `json:"checks"`
	Broken string  `json:"broken"` // the first broken link; "" when there is none
}
