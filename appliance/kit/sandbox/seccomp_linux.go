package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in what a filter sees of a call (linux/seccomp.h).
const (
	atNumber   = 0
	atArch     = 4
	atArgument = 16 // eight bytes each; the lower half comes first
)

const (
	load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	equal   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	atLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	anyOf   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	give    = unix.BPF_RET | unix.BPF_K

	pass   = unix.SECCOMP_RET_ALLOW
	refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// calls is what a processor's table says of its system calls.
type calls struct {
	arch    uint32
	beyond  uint32   // the first number that nobody has judged
	denied  []uint32 // never
	never   []uint32 // those of denied that not even the machine's own keeper needs
	unknown []uint32 // answered like an old kernel, for callers that then do it another way
	clone   uint32   // threads only
	socket  uint32   // of the families that Go's library uses
	execMap []uint32 // not with the right to run what is in the memory (third argument)
}

// families of sockets that services open; netlink is for reading addresses.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// filter is the program that the kernel runs for a call.
func (c calls) filter() []unix.SockFilter {
	var p []unix.SockFilter
	add := func(code uint16, k uint32, yes, no uint8) {
		p = append(p, unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no})
	}
	// one answers a call whose argument matters, and skips what it is asked to
	// add for all others.
	one := func(number uint32, body func()) {
		at := len(p)
		add(equal, number, 0, 0)
		body()
		p[at].Jf = uint8(len(p) - at - 1)
	}
	add(load, atArch, 0, 0)
	add(equal, c.arch, 1, 0)
	add(give, unix.SECCOMP_RET_KILL_PROCESS, 0, 0)
	add(load, atNumber, 0, 0)
	add(atLeast, c.beyond, 0, 1)
	add(give, absent, 0, 0)
	one(c.clone, func() {
		add(load, atArgument, 0, 0)
		add(anyOf, unix.CLONE_THREAD, 0, 1)
		add(give, pass, 0, 0)
		add(give, refuse, 0, 0)
	})
	one(c.socket, func() {
		add(load, atArgument, 0, 0)
		for _, f := range families {
			add(equal, f, 0, 1)
			add(give, pass, 0, 0)
		}
		add(give, refuse, 0, 0)
	})
	for _, n := range c.execMap {
		one(n, func() {
			add(load, atArgument+2*8, 0, 0)
			add(anyOf, unix.PROT_EXEC, 0, 1)
			add(give, refuse, 0, 0)
			add(give, pass, 0, 0)
		})
	}
	for _, n := range c.unknown {
		one(n, func() { add(give, absent, 0, 0) })
	}
	for _, n := range c.denied {
		one(n, func() { add(give, refuse, 0, 0) })
	}
	add(give, pass, 0, 0)
	return p
}

// without is the filter that only refuses calls by number.
func (c calls) without(denied []uint32) []unix.SockFilter {
	none := ^uint32(0) // no call has this number
	return calls{arch: c.arch, beyond: c.beyond, unknown: c.unknown[1:], denied: denied, clone: none, socket: none}.filter()
}

// Restrain is for a process that looks after the whole machine: it may still
// open files, mount, set the clock and start programs, but neither look into
// other processes nor put anything into the kernel.
func Restrain() Report {
	c, ok := table()
	if !ok {
		return Report{Missing: "seccomp: no table for this processor"}
	}
	if err := install(c.without(c.never)); err != nil {
		return Report{Missing: "seccomp: " + err.Error()}
	}
	return Report{Calls: true}
}

func seccomp() error {
	c, ok := table()
	if !ok {
		return errors.New("no table for this processor")
	}
	return install(c.filter())
}

func install(f []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	if thread != 0 {
		return fmt.Errorf("thread %d did not take it", thread)
	}
	return nil
}
