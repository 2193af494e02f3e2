package api

// Names is what the box is called on the network.
type Names struct{}

// Validate says what is wrong with which field.
func (Names) Validate() error { return FieldErrors{}.Err() }
