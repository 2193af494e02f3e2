package api

// Clock is where the box has its time from.
type Clock struct{}

// Validate says what is wrong with which field.
func (Clock) Validate() error { return FieldErrors{}.Err() }
