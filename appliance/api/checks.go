package api

import (
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// CheckBox is what the page /check has to know of the box: GET /check/box.json
// of the meetings' port, for everybody.
type CheckBox struct {
	Now   time.Time `json:"now"`
	Names []string  `json:"names"` // by which the box can be reached, the best first
	You   string    `json:"you"`   // the client's address, as the box sees it
	STUN  int       `json:"stun"`  // UDP port of the media, which answers STUN
	Room  string    `json:"room"`  // of a test call, which nobody else knows
	Token string    `json:"token"` // opens the room
	TURN  CheckTURN `json:"turn"`
}

// CheckTURN are credentials for the box's TURN server, for some minutes.
type CheckTURN struct {
	Port       int    `json:"port"`
	Username   string `json:"username"`
	Credential string `json:"credential"`
}

// CheckPath is the folder of what the page /check asks for.
const CheckPath = "/check/"

// CheckStates are what became of a probe: it works, works with a drawback, does
// not work, was not tried.
var CheckStates = []string{"good", "warn", "bad", "skipped"}

// CheckReport is what somebody's page /check found, sent to the administrator.
type CheckReport struct {
	Code    string       `json:"code"`              // of the first trouble, or OK
	Name    string       `json:"name,omitempty"`    // of who sends it
	Note    string       `json:"note,omitempty"`    // what the person writes
	Address string       `json:"address,omitempty"` // of the page
	Browser string       `json:"browser,omitempty"` // the browser's own word for itself
	Probes  []CheckProbe `json:"probes"`
}

// CheckProbe is one thing that was tried.
type CheckProbe struct {
	Name   string `json:"name"`  // "https", "trust", "clock", …
	State  string `json:"state"` // one of [CheckStates]
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"` // numbers, for the administrator
}

var checkWord = regexp.MustCompile(`^[A-Za-z0-9-]{1,16}$`)

// Validate says what is wrong with which field.
func (r CheckReport) Validate() error {
	f := FieldErrors{}
	text := func(field, v string, most int) {
		if utf8.RuneCountInString(v) > most || !printable(v, field == "note") {
			f.Add(field, fmt.Sprintf("Take at most %d characters that can be shown.", most))
		}
	}
	text("name", r.Name, 100)
	text("note", r.Note, 1000)
	text("address", r.Address, 300)
	text("browser", r.Browser, 400)
	if !checkWord.MatchString(r.Code) {
		f.Add("code", "Give letters and digits.")
	}
	if len(r.Probes) > 40 {
		f.Add("probes", "Give at most 40.")
	}
	for i, p := range r.Probes {
		field := fmt.Sprintf("probes.%d", i)
		known := false
		for _, s := range CheckStates {
			known = known || s == p.State
		}
		if !checkWord.MatchString(p.Name) || !checkWord.MatchString(p.Code) || !known {
			f.Add(field, "Give name, state and code of a probe.")
		}
		text(field+".detail", p.Detail, 300)
	}
	return f.Err()
}

// ReceivedCheck is a report that came in.
type ReceivedCheck struct {
	ID     string      `json:"id"`
	At     time.Time   `json:"at"`
	From   string      `json:"from"` // address
	Report CheckReport `json:"report"`
}

// ReceivedChecks are the reports that are kept, the newest first.
type ReceivedChecks struct {
	Reports []ReceivedCheck `json:"reports"`
}

// CheckSent is the answer to a report: its number, to tell the administrator.
type CheckSent struct {
	ID string `json:"id"`
}
