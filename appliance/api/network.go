package api

// Network is the wanted state of the network cards.
type Network struct{}

// Validate says what is wrong with which field.
func (Network) Validate() error { return FieldErrors{}.Err() }
