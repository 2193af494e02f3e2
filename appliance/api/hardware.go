package api

import "time"

// Hardware is the answer to GET /api/v1/hardware: how the machine is.
type Hardware struct {
	Temperatures []Temperature `json:"temperatures"`
	Disks        []DiskHealth  `json:"disks"`
	Storage      Storage       `json:"storage"`
	Memory       Memory        `json:"memory"`
	Cards        []CardHealth  `json:"cards"`
	Boots        Boots         `json:"boots"`
	// Watchdog says that the machine restarts by itself when it hangs.
	Watchdog bool `json:"watchdog"`
	// Missing is what this machine's kernel cannot do, for people.
	Missing []string `json:"missing,omitempty"`
	// Problems are what somebody should look after, for people.
	Problems []string `json:"problems,omitempty"`
}

// Temperature is one sensor.
type Temperature struct {
	Name    string  `json:"name"`
	Celsius float64 `json:"celsius"`
	Limit   float64 `json:"limit,omitzero"` // above it is too hot; 0: not known
}

// DiskHealth is a disk and what it says of itself.
type DiskHealth struct {
	Name  string `json:"name"` // the kernel's
	Model string `json:"model"`
	Size  int64  `json:"size"`
	Boot  bool   `json:"boot"` // the box runs from it
	// Wear is the used part of the life that its maker planned, in percent.
	Wear          *int   `json:"wear,omitempty"`
	MediaErrors   uint64 `json:"media_errors,omitzero"`
	UnsafeOff     uint64 `json:"unsafe_off,omitzero"` // times that its power went away while it was in use
	PoweredHours  uint64 `json:"powered_hours,omitzero"`
	CriticalState bool   `json:"critical_state,omitzero"` // it says that it is about to fail
}

// Storage is the place for what is kept, in bytes.
type Storage struct {
	Size   int64  `json:"size"`
	Free   int64  `json:"free"`
	Errors uint64 `json:"errors,omitzero"` // that the file system has found in itself
	// ReadOnly means that nothing can be stored any more.
	ReadOnly bool `json:"read_only,omitzero"`
}

// Memory of the machine, in bytes.
type Memory struct {
	Size      int64 `json:"size"`
	Available int64 `json:"available"`
}

// CardHealth is a network card's troubles since the start.
type CardHealth struct {
	Name    string `json:"name"`
	Errors  uint64 `json:"errors"`
	Dropped uint64 `json:"dropped"`
}

// Boots counts the machine's starts.
type Boots struct {
	Count int `json:"count"`
	// Cuts are those after which the box was not turned off in order: pulled
	// plugs, crashes, restarts by the watchdog.
	Cuts    int       `json:"cuts"`
	Trimmed time.Time `json:"trimmed,omitzero"` // when the disk was last told what is free
}
