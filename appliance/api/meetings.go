package api

import "time"

// Meetings are the meetings that have people in them now.
type Meetings struct {
	People   int       `json:"people"` // in all of them
	Meetings []Meeting `json:"meetings"`
}

// Meeting is one of them.
type Meeting struct {
	ID       string    `json:"id"` // of its record
	Room     string    `json:"room"`
	Breakout bool      `json:"breakout"` // a part of another meeting
	People   int       `json:"people"`
	Since    time.Time `json:"since"`
	Bridge   string    `json:"bridge,omitempty"`
}

// Overview is how the box is now.
type Overview struct {
	Meetings Meetings `json:"meetings"`
	// Known is false when the meetings could not be asked for.
	Known    bool      `json:"known"`
	Services []Service `json:"services"`
	Traffic  Traffic   `json:"traffic"`
	CPU      float64   `json:"cpu"`    // seconds that all services used since they began
	Memory   uint64    `json:"memory"` // bytes that all services hold
	Cores    int       `json:"cores"`
	// Temperature is the hottest sensor's, °C; 0: not known.
	Temperature float64 `json:"temperature"`
	Loss        float64 `json:"loss"` // mean over all lines in use, a fraction
	// Worst is the line in use that loses most; absent when nobody is there.
	Worst *WorstLine `json:"worst,omitempty"`
	// Attention is what somebody should look at, the most urgent first.
	Attention []Attention `json:"attention"`
}

// WorstLine is the worst of the lines in use.
type WorstLine struct {
	Meeting  string  `json:"meeting"`
	Room     string  `json:"room"`
	Endpoint string  `json:"endpoint"`
	Name     string  `json:"name,omitempty"`
	RTT      float64 `json:"rtt"`  // milliseconds
	Loss     float64 `json:"loss"` // fraction
}

// Traffic is the media so far; the console makes rates of two answers.
type Traffic struct {
	ReceivedPackets float64 `json:"received_packets"`
	ReceivedBytes   float64 `json:"received_bytes"`
	SentPackets     float64 `json:"sent_packets"`
	SentBytes       float64 `json:"sent_bytes"`
	Retransmitted   float64 `json:"retransmitted"` // packets that receivers missed
	RTT             float64 `json:"rtt"`           // seconds to clients and back, the mean
}

// Attention is one thing to look at.
type Attention struct {
	Code string `json:"code"` // "service", "note", "certificate", "clock", "update", "hardware"
	Text string `json:"text"`
	Page string `json:"page"` // of the console
}
