//go:build !linux

package sandbox

// Enter works on Linux only.
func Enter(Rules) Report { return Report{Missing: "only on Linux"} }

// Restrain works on Linux only.
func Restrain() Report { return Report{Missing: "only on Linux"} }
