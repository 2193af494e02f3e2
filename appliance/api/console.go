package api

// Console is who may reach the console, and for how long.
type Console struct {
	// IdleMinutes end a session in which nothing was done; 0: twelve hours.
	IdleMinutes int `json:"idle_minutes,omitzero"`
}

// Validate says what is wrong with which field.
func (c Console) Validate() error {
	f := FieldErrors{}
	if c.IdleMinutes != 0 && (c.IdleMinutes < 5 || c.IdleMinutes > 7*24*60) {
		f.Add("idle_minutes", "Give 5 minutes to 7 days (10080 minutes), or 0 for twelve hours.")
	}
	return f.Err()
}
