package api

import "time"

// MeetingRecord is what is remembered of a meeting, of one that runs or of one
// that is over.
type MeetingRecord struct {
	ID       string        `json:"id"`
	Room     string        `json:"room"`
	Breakout bool          `json:"breakout,omitzero"`
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended,omitzero"` // absent while it runs
	Most     int           `json:"most"`           // people at the same time
	People   []MeetingSeat `json:"people"`         // in the order of joining
	Events   []MeetingLine `json:"events"`         // in order of time
	Cut      bool          `json:"cut,omitzero"`   // there was more than is kept
}

// MeetingSeat is one stay of one person: who comes again has another.
type MeetingSeat struct {
	Endpoint  string         `json:"endpoint"`
	Name      string         `json:"name,omitempty"`
	Joined    time.Time      `json:"joined"`
	Left      time.Time      `json:"left,omitzero"`
	Reason    string         `json:"reason,omitempty"` // for leaving: left, kicked, connection lost, …
	Moderator bool           `json:"moderator,omitzero"`
	Now       *SeatQuality   `json:"now,omitempty"` // while it is there, by the bridge
	Quality   []QualityPoint `json:"quality"`       // in steps of the same length
}

// SeatQuality is somebody's line as the bridge sees it now.
type SeatQuality struct {
	Line     QualityPoint `json:"line"`
	Path     string       `json:"path,omitempty"`     // how the media goes: addresses, UDP or TCP
	Channel  string       `json:"channel,omitempty"`  // "sctp", "websocket"; empty: none
	Estimate int64        `json:"estimate,omitempty"` // bit/s that the line takes
	Limited  bool         `json:"limited,omitzero"`   // … which is less than it wants
	Video    string       `json:"video,omitempty"`    // of what is sent: "720", "off"
}

// QualityPoint is the quality over one step.
type QualityPoint struct {
	At       time.Time `json:"at"`
	RTT      float64   `json:"rtt"`      // milliseconds; 0: not known
	LossIn   float64   `json:"loss_in"`  // fraction of what it sends that is lost
	LossOut  float64   `json:"loss_out"` // of what it is sent
	Received int64     `json:"received"` // bit/s from it
	Sent     int64     `json:"sent"`     // bit/s to it
}

// MeetingLine is something that happened in a meeting.
type MeetingLine struct {
	At       time.Time `json:"at"`
	Event    string    `json:"event"` // "joined", "left", "refused", "renamed", "interrupted", "back", "weak", "better", "muted", "removed", "ended", "lobby", "moderator"
	Endpoint string    `json:"endpoint,omitempty"`
	Name     string    `json:"name,omitempty"`   // of the person, as it was then
	Actor    string    `json:"actor,omitempty"`  // who decided it, by name; "console" for this console
	Reason   string    `json:"reason,omitempty"` // in signaling's words
	Medium   string    `json:"medium,omitempty"` // muted: "audio", "video", "desktop"
}

// PastMeetings are the meetings that are remembered, the newest first, without
// what happened in them.
type PastMeetings struct {
	Meetings []PastMeeting `json:"meetings"`
	Days     int           `json:"days"` // that they are remembered for
}

// PastMeeting is a line in the list of them.
type PastMeeting struct {
	ID       string    `json:"id"`
	Room     string    `json:"room"`
	Breakout bool      `json:"breakout,omitzero"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended,omitzero"`
	Most     int       `json:"most"`
	Dropped  int       `json:"dropped"` // times that somebody's connection was lost
}

// MuteOrder mutes somebody, who may unmute.
type MuteOrder struct {
	Medium string `json:"medium"` // "audio", "video" or "desktop"
}

// Validate says what is wrong with which field.
func (m MuteOrder) Validate() error {
	switch m.Medium {
	case "audio", "video", "desktop":
		return nil
	}
	return FieldErrors{"medium": "Choose one of audio, video and desktop."}
}
