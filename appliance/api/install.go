package api

// Install is the answer to GET /api/v1/install: where the box could install
// itself, and how far it is.
type Install struct {
	Disks []InstallDisk `json:"disks"`
	// Stick says that the box runs from a USB stick or disk: it should be
	// installed if the machine has a disk of its own.
	Stick bool         `json:"stick"`
	Phase InstallPhase `json:"phase"`
	Disk  string       `json:"disk,omitempty"` // under way, or done last
	Done  int64        `json:"done"`           // bytes,
	Total int64        `json:"total"`          // of so many
	Error string       `json:"error,omitempty"`
}

// InstallDisk is a disk other than the one that the box runs from.
type InstallDisk struct {
	Name  string `json:"name"`
	Model string `json:"model"`
	Size  int64  `json:"size"`
	// Refused says why it cannot be used; empty: it can.
	Refused string `json:"refused,omitempty"`
	// Confirm is what has to be sent back, letter by letter, by somebody who
	// has read it: everything on the disk is lost.
	Confirm string `json:"confirm,omitempty"`
}

// InstallPhase is what an installation is at.
type InstallPhase string

// The phases.
const (
	InstallIdle    InstallPhase = "idle"
	InstallWriting InstallPhase = "writing"
	InstallDone    InstallPhase = "done" // take the stick out, then restart
	InstallFailed  InstallPhase = "failed"
)

// Values are all phases.
func (InstallPhase) Values() []string {
	return []string{string(InstallIdle), string(InstallWriting), string(InstallDone), string(InstallFailed)}
}

// InstallRequest starts an installation.
type InstallRequest struct {
	Disk    string `json:"disk"`
	Confirm string `json:"confirm"`
}
