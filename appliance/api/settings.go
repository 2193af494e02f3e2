package api

import (
	"errors"
	"time"
)

// Settings is all that an administrator can set, in sections that are read
// and changed one by one. The zero value of a section is what a new box has:
// a section that was never changed is not stored.
//
// A field is added, never renamed and never given another meaning: after an
// update that failed, an older version reads what a newer one wrote. It
// ignores fields that it does not know.
type Settings struct {
	Network Network `json:"network"`
	Names   Names   `json:"names"`
	Clock   Clock   `json:"clock"`
	Island  Island  `json:"island"`
	Egress  Egress  `json:"egress"`
	Console Console `json:"console"`
	Rooms   Rooms   `json:"rooms"`

	Certificates CertificateSettings `json:"certificates"`
	Directory    Directory           `json:"directory"`
	Branding     Branding            `json:"branding"`
}

// Section is one part of [Settings]. Validate returns [FieldErrors].
type Section interface{ Validate() error }

// Sections are the sections by their JSON names, as pointers into s. Every
// section has a file of its own in this package, beside its Validate.
func (s *Settings) Sections() map[string]Section {
	return map[string]Section{
		"network": &s.Network,
		"names":   &s.Names,
		"clock":   &s.Clock,
		"island":  &s.Island,
		"egress":  &s.Egress,
		"console": &s.Console,
		"rooms":   &s.Rooms,

		"certificates": &s.Certificates,
		"directory":    &s.Directory,
		"branding":     &s.Branding,
	}
}

// ErrNoSection means that no section is called so.
var ErrNoSection = errors.New("there is no such section of the settings")

// SettingsState is the answer to GET /api/v1/settings.
type SettingsState struct {
	Settings Settings `json:"settings"`
	// Revisions is the number of each section's last change: its ETag.
	Revisions map[string]uint64 `json:"revisions"`
}

// Revision is one change of one section.
type Revision struct {
	Number  uint64    `json:"number"`
	Section string    `json:"section"`
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	From    string    `json:"from"`             // address
	Reverts uint64    `json:"reverts,omitzero"` // the change that this one takes back
}

// RevisionDetail is a change with the section before and after it.
type RevisionDetail struct {
	Revision Revision `json:"revision"`
	Before   any      `json:"before"`
	After    any      `json:"after"`
	Now      uint64   `json:"now"` // the section's last revision, to take the change back with
}

// Revisions is the answer to GET /api/v1/revisions, the newest first.
type Revisions struct {
	Revisions []Revision `json:"revisions"`
	More      bool       `json:"more"` // there are older ones: ask with before=NUMBER
}
