package netnstest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// insideEnv names the test in the copy that runs in a network of its own.
const insideEnv = "MEETBOX_TEST_INSIDE"

// Run calls inside in a network of its own, in another process. Tests that use
// it run in parallel to each other. The test has to call it before all else,
// because everything before it happens twice.
func Run(t *testing.T, inside func(t *testing.T)) {
	if os.Getenv(insideEnv) == t.Name() {
		lo, err := netlink.LinkByName("lo")
		if err == nil {
			err = netlink.LinkSetUp(lo)
		}
		if err != nil {
			t.Fatal(err)
		}
		inside(t)
		return
	}
	if os.Getenv(insideEnv) != "" {
		return // another test's copy; its pattern also matches this one
	}
	t.Parallel()
	var errs []error
	for _, flags := range namespaces() {
		err := again(t, flags)
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		errs = append(errs, err)
	}
	t.Skipf("the kernel lets this user make no network namespaces: %v", errors.Join(errs...))
}

// namespaces are the ways to a network of one's own, best first.
func namespaces() []uintptr {
	own := uintptr(syscall.CLONE_NEWNET | syscall.CLONE_NEWNS)
	if os.Getuid() == 0 {
		return []uintptr{own, own | syscall.CLONE_NEWUSER}
	}
	return []uintptr{own | syscall.CLONE_NEWUSER}
}

// again runs the test in a copy of this process; it returns why there is none.
func again(t *testing.T, flags uintptr) error {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=30s")
	cmd.Env = append(os.Environ(), insideEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Errorf("in a network of its own: %v\n%s", err, out)
		return nil
	}
	if err == nil && testing.Verbose() {
		t.Logf("%s", out)
	}
	return err
}

// Disk is a folder on a disk of its own, of so many bytes.
func Disk(t *testing.T, bytes int64) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("disk", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=700,size="+strconv.FormatInt(bytes, 10)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Host is a machine beside the test: a network namespace. The nil host is the
// test's own.
type Host struct {
	do  chan func()
	tid int
}

// NewHost makes a machine with nothing but a loopback.
func NewHost(t *testing.T) *Host {
	t.Helper()
	h := &Host{do: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		h.tid = unix.Gettid()
		ready <- err
		for f := range h.do {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(h.do) })
	h.Do(func() {
		lo, err := netlink.LinkByName("lo")
		if err == nil {
			err = netlink.LinkSetUp(lo)
		}
		if err != nil {
			t.Error(err)
		}
	})
	return h
}

// Do calls f on the machine and waits for it. Sockets opened there stay there;
// goroutines started there do not, but may use them.
func (h *Host) Do(f func()) {
	if h == nil {
		f()
		return
	}
	done := make(chan struct{})
	h.do <- func() {
		defer close(done)
		f()
	}
	<-done
}

// Start starts a program on the machine; the test's end kills it.
func (h *Host) Start(t *testing.T, name string, args ...string) *Process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	p := &Process{cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	var err error
	h.Do(func() { err = cmd.Start() })
	if err != nil {
		cancel()
		t.Fatalf("%s: %v", name, err)
	}
	p.stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.Output())
		}
	})
	return p
}

// Output runs a program on the machine until it ends, and returns what it says.
func (h *Host) Output(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	var err error
	h.Do(func() { err = cmd.Start() })
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

// Cable connects two machines; both ends are up and get the addresses.
func Cable(t *testing.T, a *Host, aName, aAddr string, b *Host, bName, bAddr string) {
	t.Helper()
	CableAs(t, a, netlink.LinkAttrs{Name: aName}, b, bName, bAddr)
	Up(t, a, aName, aAddr)
}

// CableAs is Cable for a first end of which more is known than its name.
func CableAs(t *testing.T, a *Host, attrs netlink.LinkAttrs, b *Host, bName, bAddr string) {
	t.Helper()
	a.Do(func() {
		v := &netlink.Veth{LinkAttrs: attrs, PeerName: bName}
		if b != a {
			v.PeerNamespace = netlink.NsPid(b.pid())
		}
		if err := netlink.LinkAdd(v); err != nil {
			t.Fatalf("cable %s–%s: %v", attrs.Name, bName, err)
		}
	})
	Up(t, b, bName, bAddr)
}

// pid is what the kernel knows the namespace by.
func (h *Host) pid() int {
	if h == nil {
		return os.Getpid()
	}
	return h.tid
}

// Up turns a link on and gives it addresses (with spaces between; may be none).
func Up(t *testing.T, h *Host, name, addrs string) {
	t.Helper()
	h.Do(func() {
		l, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkSetUp(l)
		}
		for _, a := range fields(addrs) {
			if err == nil {
				err = netlink.AddrReplace(l, address(netip.MustParsePrefix(a)))
			}
		}
		if err != nil {
			t.Errorf("link %s: %v", name, err)
		}
	})
}

func address(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD // the test's addresses are unique
	}
	return a
}

// Bridge makes a switch on the host of which the links are ports.
func Bridge(t *testing.T, h *Host, name string, ports ...string) {
	t.Helper()
	h.Do(func() {
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
		err := netlink.LinkAdd(br)
		for _, p := range ports {
			var l netlink.Link
			if err == nil {
				l, err = netlink.LinkByName(p)
			}
			if err == nil {
				err = netlink.LinkSetMaster(l, br)
			}
		}
		if err == nil {
			err = netlink.LinkSetUp(br)
		}
		if err != nil {
			t.Fatalf("bridge %s: %v", name, err)
		}
	})
}
