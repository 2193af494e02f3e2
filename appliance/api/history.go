package api

import "time"

// History is how the box was, in steps of the same length, the oldest first.
// A step in which nobody looked is left out.
type History struct {
	Step   int            `json:"step"` // seconds
	Points []HistoryPoint `json:"points"`
}

// HistoryPoint is the mean of one step; People, Meetings and WorstLoss are the
// most there were.
type HistoryPoint struct {
	At          time.Time `json:"at"` // of its begin
	People      int       `json:"people"`
	Received    float64   `json:"received"` // bytes of media in a second
	Sent        float64   `json:"sent"`
	CPU         float64   `json:"cpu"`         // cores in use
	Memory      float64   `json:"memory"`      // bytes of all services
	Temperature float64   `json:"temperature"` // °C; 0: not known
	Meetings    int       `json:"meetings"`
	Loss        float64   `json:"loss"`       // mean over all lines, a fraction
	WorstLoss   float64   `json:"worst_loss"` // of one line
}
