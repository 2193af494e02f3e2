// Package sandbox takes from the running process what it will never need: with
// Landlock all files but those of its rules, and running programs; with a
// seccomp filter the system calls that only an intruder would make. Neither
// can be undone, and both hold for all threads.
//
// Where the kernel (or the processor, or a build with cgo) lacks one of the
// two, the other still holds, and Enter says what is missing.
//
// The filter does not slow down calls like recvmmsg: the kernel remembers which
// calls it always lets pass, and does not run it for those (Linux 5.11).
package sandbox

import "strings"

// Rules say what stays allowed. Names that do not exist are left out.
type Rules struct {
	Read    []string // files, or folders with all below, to read
	Write   []string // folders below which everything may be done but running programs
	Sockets []string // folders where sockets may be made and removed
	// NoConnect forbids TCP connections to others. Unix sockets stay allowed.
	NoConnect bool
}

// System is what Go's library and the kit read of the machine, in Rules' sense.
func System() []string {
	return []string{
		"/proc/self", "/proc/sys/net", "/proc/sys/vm", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
		"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
		"/etc/localtime", "/usr/share/zoneinfo", "/dev/null", "/dev/urandom",
	}
}

// Report says what is in force.
type Report struct {
	Files   bool   // Landlock
	Connect bool   // its rules for TCP, if Rules asked for them
	Calls   bool   // seccomp
	Missing string // why not, if something is not
}

// String is for health pages and logs.
func (r Report) String() string {
	var in []string
	if r.Files {
		in = append(in, "landlock")
	}
	if r.Calls {
		in = append(in, "seccomp")
	}
	if len(in) == 0 {
		in = append(in, "none")
	}
	s := strings.Join(in, ", ")
	if r.Missing != "" {
		s += " (" + r.Missing + ")"
	}
	return s
}
