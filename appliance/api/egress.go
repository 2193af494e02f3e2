package api

// Egress is the hosts outside that the box may speak to; none, when empty.
type Egress struct{}

// Validate says what is wrong with which field.
func (Egress) Validate() error { return FieldErrors{}.Err() }
