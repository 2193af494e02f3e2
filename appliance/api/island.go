package api

// Island is the port on which the box serves a network of its own.
type Island struct{}

// Validate says what is wrong with which field.
func (Island) Validate() error { return FieldErrors{}.Err() }
