package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Enter locks the process in.
func Enter(rules Rules) Report {
	var r Report
	var missing []string
	note := func(what string, err error) {
		if err != nil {
			missing = append(missing, what+": "+err.Error())
		}
	}
	version := landlockVersion()
	err := landlock(rules, version)
	note("landlock", err)
	r.Files = err == nil
	r.Connect = r.Files && rules.NoConnect && version >= 4
	if r.Files && rules.NoConnect && !r.Connect {
		note("landlock", errors.New("the kernel has no rules for TCP"))
	}
	err = seccomp()
	note("seccomp", err)
	r.Calls = err == nil
	r.Missing = strings.Join(missing, "; ")
	return r
}

// Rights of folders and, of these, those that files have (linux/landlock.h).
const (
	toRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	toWrite = toRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	toListen = unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE

	all = toWrite | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	ofFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// known are the rights that a version of Landlock knows.
func known(version int) uint64 {
	fs := uint64(all)
	if version < 2 {
		fs &^= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version < 3 {
		fs &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version < 5 {
		fs &^= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return fs
}

func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// signalsWork says whether threads may signal each other when each has been
// locked in by itself, as here; without that Go could not preempt them. (The
// kernel's second erratum, in Documentation/userspace-api/landlock.rst.)
func signalsWork() bool {
	e, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA)
	return errno == 0 && e&2 != 0
}

func landlock(rules Rules, version int) error {
	if version < 1 {
		return errors.New("the kernel has none")
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: known(version)}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if version >= 4 {
		size = unsafe.Offsetof(attr.Scoped)
		if rules.NoConnect {
			attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_CONNECT_TCP // no rule allows any
		}
	}
	if version >= 6 {
		size = unsafe.Offsetof(attr.Scoped) + unsafe.Sizeof(attr.Scoped)
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		if signalsWork() {
			attr.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
		}
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("rule set: %w", errno)
	}
	defer unix.Close(int(fd))
	for _, list := range []struct {
		names  []string
		rights uint64
	}{{rules.Read, toRead}, {rules.Write, toWrite}, {rules.Sockets, toListen}} {
		for _, name := range list.names {
			if err := allow(int(fd), name, list.rights&attr.Handled_access_fs); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return restrict(fd)
}

func allow(set int, name string, rights uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR) {
		return nil // what cannot be reached needs no rule
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFiles
	}
	p := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&p)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// restrict puts the rules in force for all threads: one after the other, or,
// where C code may have made threads that Go does not know, by the kernel.
func restrict(set uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if errno == 0 {
		_, _, errno = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0)
	}
	if errors.Is(errno, syscall.ENOTSUP) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		_, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, unix.LANDLOCK_RESTRICT_SELF_TSYNC, 0)
		if errno == unix.EINVAL {
			return errors.New("built with cgo, which this kernel has no way for: build with CGO_ENABLED=0")
		}
	}
	if errno != 0 {
		return os.NewSyscallError("restrict", errno)
	}
	return nil
}
