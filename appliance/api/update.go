package api

import (
	"slices"
	"time"
)

// Update is the answer to GET /api/v1/update: the running version, and what
// becomes of a new one.
type Update struct {
	Running Release     `json:"running"`
	Slot    string      `json:"slot"` // half of the disk that runs: "a" or "b"; "" on somebody's computer
	Phase   UpdatePhase `json:"phase"`
	// Next is what is being brought in; without a meaning while idle.
	Next  *Release `json:"next,omitempty"`
	Done  int64    `json:"done"`  // bytes of this phase,
	Total int64    `json:"total"` // of so many; 0: not known
	// Detail says more than the phase, for people: while on trial, what does
	// not work yet.
	Detail string `json:"detail"`
	// Last is what became of the last update.
	Last *UpdateResult `json:"last,omitempty"`
	// Floor is the counter that an update has to exceed.
	Floor uint64 `json:"floor"`
	// Keys are the numbers of the keys whose signatures are trusted.
	Keys []string `json:"keys"`
}

// Release is one version. Its counter grows from each to the next.
type Release struct {
	Version string `json:"version"`
	Counter uint64 `json:"counter"`
}

// UpdateResult is what became of an update.
type UpdateResult struct {
	Release Release   `json:"release"`
	OK      bool      `json:"ok"`
	Reason  string    `json:"reason"` // why not, for people
	At      time.Time `json:"at"`
}

// UpdatePhase is what an update is at.
type UpdatePhase uint8

// The phases, in their order.
const (
	UpdateIdle       UpdatePhase = iota + 1
	UpdateReceiving              // the file comes in and is checked; nothing is changed
	UpdateWriting                // to the half of the disk that does not run
	UpdateRestarting             // into the new version
	UpdateTrial                  // it runs, and has to prove itself
)

var phaseNames = []string{"idle", "receiving", "writing", "restarting", "trial"}

// Values are the phases' names in order.
func (UpdatePhase) Values() []string { return phaseNames }

func (p UpdatePhase) String() string {
	if p < UpdateIdle || p > UpdateTrial {
		return "unknown"
	}
	return phaseNames[p-1]
}

// MarshalText is the phase's name.
func (p UpdatePhase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a phase's name; one of a later version is none.
func (p *UpdatePhase) UnmarshalText(b []byte) error {
	*p = UpdatePhase(slices.Index(phaseNames, string(b)) + 1)
	return nil
}

// SelfCall is the answer to POST /api/v1/selfcall: what became of a call that
// the box made to itself.
type SelfCall struct {
	OK    bool           `json:"ok"`
	Steps []SelfCallStep `json:"steps"`
	// Audio and Video are packets that each of the two got from the other.
	Audio []int  `json:"audio"`
	Video []int  `json:"video"`
	Error string `json:"error"` // the first thing that did not work, for people
}

// SelfCallStep is one part of the call.
type SelfCallStep struct {
	Name         string `json:"name"`
	OK           bool   `json:"ok"`
	Milliseconds int64  `json:"ms"`
	Detail       string `json:"detail"`
}
