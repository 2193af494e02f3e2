package api

import "time"

// NewBackup is what a backup is made with.
type NewBackup struct {
	// Passphrase opens the backup again; there is no other way.
	Passphrase string `json:"passphrase"`
}

// RestoreFile is a backup that was uploaded and waits to be opened.
type RestoreFile struct {
	Size    int64     `json:"size"`
	Expires time.Time `json:"expires"` // then it is forgotten
}

// Restore says what to take from the uploaded backup.
type Restore struct {
	Passphrase string `json:"passphrase"`
	// Network takes the settings of the network too. They come into force for
	// 90 seconds and have to be confirmed, as any change of the network.
	Network bool `json:"network"`
	// Cards says for cards that the backup's network names, and this machine
	// does not have, which of its own takes their place: a name or MAC address
	// by each.
	Cards map[string]string `json:"cards,omitempty"`
	// Try only looks: nothing is changed.
	Try bool `json:"try"`
}

// RestoreResult is what a backup has in it.
type RestoreResult struct {
	Made      time.Time `json:"made"`
	Name      string    `json:"name"`    // of the box that made it
	Version   string    `json:"version"` // of that box
	Sections  []string  `json:"sections"`
	Accounts  []string  `json:"accounts"`  // who may sign in afterwards
	Users     int       `json:"users"`     // of meetings and messages
	Authority string    `json:"authority"` // SHA-256 of the authority that devices trust
	Same      bool      `json:"same"`      // it is this box's own
	Restored  bool      `json:"restored"`
	// Cards are those that the backup's network names.
	Cards []RestoreCard `json:"cards"`
	// Pending is the network's change, to be confirmed at the box's new address.
	Pending *PendingNetwork `json:"pending,omitempty"`
}

// RestoreCard is a network card in a backup.
type RestoreCard struct {
	Card string `json:"card"` // as the settings name it
	Here bool   `json:"here"` // this machine has it
}

// ResetDepth is how much a reset forgets.
type ResetDepth uint8

// The depths.
const (
	ResetSettings   ResetDepth = iota + 1 // all settings; people, certificates and files stay
	ResetEverything                       // the box is as new
)

var depthNames = []string{"settings", "everything"}

// Values are the depths' names.
func (ResetDepth) Values() []string { return depthNames }

// MarshalText is the depth's name.
func (d ResetDepth) MarshalText() ([]byte, error) { return marshalName(depthNames, uint8(d)) }

// UnmarshalText reads a depth's name.
func (d *ResetDepth) UnmarshalText(b []byte) error {
	n, err := unmarshalName(depthNames, b)
	*d = ResetDepth(n)
	return err
}

// Reset makes the box forget.
type Reset struct {
	Depth ResetDepth `json:"depth"`
	// KeepAuthority keeps the box's own authority, so that devices need not
	// trust it again. Without meaning for the settings' depth, which keeps it.
	KeepAuthority bool `json:"keep_authority"`
	// Name is the box's, typed by a person who means it.
	Name string `json:"name"`
}
