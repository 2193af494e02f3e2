package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// prison runs the prisoner in a folder of its own and returns what it said.
func prison(t *testing.T) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"read", "write", "sockets"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "read", "a"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	// As services are built; this test may have been with the race detector.
	bin := filepath.Join(dir, "prisoner")
	build := exec.Command("go", "build", "-o", bin, "./testdata/prisoner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(bin, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestPrisoner(t *testing.T) {
	t.Parallel()
	lines := prison(t)
	files := landlockVersion() > 0
	want := map[string]bool{
		"exec": false, "exec call": false, "exec call on another thread": false, "fork": false, "ptrace": false,
		"mount": false, "bpf": false, "unshare": false, "io_uring": false, "a call of tomorrow": false,
		"packet socket": false, "code in memory": false,
		"listen": true, "datagrams": true, "unix socket": true, "addresses": true,
		"read": true, "write and rename": true, "read own state": true, "preempt": true,
	}
	for _, name := range []string{"read passwd", "read passwd on another thread", "list root", "write outside", "write what may be read"} {
		want[name] = !files
	}
	want["connect"] = landlockVersion() < 4
	want["signal to the parent"] = landlockVersion() < 6 || !signalsWork()
	for _, line := range lines[1:] {
		verdict, what, _ := strings.Cut(line, " ")
		what, why, _ := strings.Cut(strings.TrimSpace(what), ":")
		w, ok := want[what]
		if !ok {
			t.Errorf("%q was not expected", line)
		} else if w != (verdict == "yes") {
			t.Errorf("%s: allowed %v (%s), want %v", what, !w, strings.TrimSpace(why), w)
		}
		delete(want, what)
	}
	for what := range want {
		t.Errorf("%s: not tried", what)
	}
	if got := lines[0]; files && got != "report: landlock, seccomp" {
		t.Errorf("%q, want both in force and nothing missing", got)
	}
}

// judge runs the filter as the kernel does.
func judge(t *testing.T, p []unix.SockFilter, arch, number uint32, args ...uint32) uint32 {
	t.Helper()
	var a uint32
	for i := 0; i < len(p); i++ {
		f, yes := p[i], false
		switch f.Code {
		case load:
			switch {
			case f.K == atNumber:
				a = number
			case f.K == atArch:
				a = arch
			default:
				a = args[(f.K-atArgument)/8]
			}
			continue
		case give:
			return f.K
		case equal:
			yes = a == f.K
		case atLeast:
			yes = a >= f.K
		case anyOf:
			yes = a&f.K != 0
		}
		if yes {
			i += int(f.Jt)
		} else {
			i += int(f.Jf)
		}
	}
	t.Fatal("the filter has no end")
	return 0
}

func TestFilter(t *testing.T) {
	t.Parallel()
	c, ok := table()
	if !ok {
		t.Logf("no table for this processor")
		return
	}
	p := c.filter()
	tests := []struct {
		name   string
		number uint32
		args   []uint32
		want   uint32
	}{
		{"recvmmsg", unix.SYS_RECVMMSG, nil, pass},
		{"sendmmsg", unix.SYS_SENDMMSG, nil, pass},
		{"futex", unix.SYS_FUTEX, nil, pass},
		{"thread", c.clone, []uint32{unix.CLONE_VM | unix.CLONE_THREAD}, pass},
		{"process", c.clone, []uint32{unix.CLONE_VM}, refuse},
		{"internet socket", c.socket, []uint32{unix.AF_INET6}, pass},
		{"packet socket", c.socket, []uint32{unix.AF_PACKET}, refuse},
		{"memory", unix.SYS_MMAP, []uint32{0, 0, unix.PROT_READ | unix.PROT_WRITE}, pass},
		{"code", unix.SYS_MMAP, []uint32{0, 0, unix.PROT_READ | unix.PROT_EXEC}, refuse},
		{"clone3", unix.SYS_CLONE3, nil, absent},
		{"beyond", c.beyond, nil, absent},
		{"32-bit pointers", 0x40000000 + 59, nil, absent},
	}
	for _, tc := range tests {
		if got := judge(t, p, c.arch, tc.number, tc.args...); got != tc.want {
			t.Errorf("%s: %#x, want %#x", tc.name, got, tc.want)
		}
	}
	for _, n := range c.denied {
		if got := judge(t, p, c.arch, n); got != refuse {
			t.Errorf("call %d: %#x, want refused", n, got)
		}
	}
	light := c.without(c.never)
	for _, n := range c.never {
		if got := judge(t, light, c.arch, n); got != refuse || !slices.Contains(c.denied, n) {
			t.Errorf("call %d: %#x of who looks after the machine, want refused to everybody", n, got)
		}
	}
	for _, n := range []uint32{unix.SYS_EXECVE, unix.SYS_MOUNT, unix.SYS_CLOCK_SETTIME, unix.SYS_SETUID, c.clone, c.socket, unix.SYS_MMAP, unix.SYS_CLONE3} {
		if got := judge(t, light, c.arch, n, 0, 0, 0); got != pass {
			t.Errorf("call %d: %#x of who looks after the machine, want passed", n, got)
		}
	}
	if got := judge(t, p, c.arch+1, unix.SYS_READ); got != unix.SECCOMP_RET_KILL_PROCESS {
		t.Errorf("another processor's call: %#x", got)
	}
	sorted := slices.Clone(c.denied)
	slices.Sort(sorted)
	if n := len(slices.Compact(sorted)); n != len(c.denied) {
		t.Errorf("%d of %d denied calls are named twice", len(c.denied)-n, len(c.denied))
	}
}
