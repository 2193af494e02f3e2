// Prisoner locks itself in and then tries what it is told; it prints a line
// for each attempt. Its folder is its only argument.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"meetbox.local/appliance/kit/sandbox"
)

func main() {
	dir := os.Args[1]
	// Threads from before, which must be locked in too.
	var up sync.WaitGroup
	hold := make(chan func() error)
	done := make(chan error)
	for range 4 {
		up.Add(1)
		go func() {
			runtime.LockOSThread()
			up.Done()
			for f := range hold {
				done <- f()
			}
		}()
	}
	up.Wait()
	other := func(f func() error) error { hold <- f; return <-done }

	r := sandbox.Enter(sandbox.Rules{
		Read:    append(sandbox.System(), filepath.Join(dir, "read"), filepath.Join(dir, "missing")),
		Write:   []string{filepath.Join(dir, "write")},
		Sockets: []string{filepath.Join(dir, "sockets")}, NoConnect: true,
	})
	fmt.Println("report:", r)

	passwd := func() error { _, err := os.ReadFile("/etc/passwd"); return err }
	call := func(number uintptr, args ...uintptr) func() error {
		return func() error {
			var a [6]uintptr
			copy(a[:], args)
			if _, _, errno := unix.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
				return errno
			}
			return nil
		}
	}
	try := func(what string, f func() error) {
		if err := f(); err != nil {
			fmt.Printf("no  %s: %v\n", what, err)
		} else {
			fmt.Printf("yes %s\n", what)
		}
	}
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	try("read passwd", passwd)
	try("read passwd on another thread", func() error { return other(passwd) })
	try("list root", func() error { _, err := os.ReadDir("/"); return err })
	try("write outside", func() error { return os.WriteFile(in("new"), nil, 0o600) })
	try("write what may be read", func() error { return os.WriteFile(in("read", "a"), nil, 0o600) })
	try("exec", func() error { return exec.Command("/bin/true").Run() })
	try("exec call", call(unix.SYS_EXECVE))
	try("exec call on another thread", func() error { return other(call(unix.SYS_EXECVE)) })
	try("fork", call(unix.SYS_CLONE, uintptr(syscall.SIGCHLD)))
	try("ptrace", call(unix.SYS_PTRACE))
	try("mount", call(unix.SYS_MOUNT))
	try("bpf", call(unix.SYS_BPF))
	try("unshare", call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER))
	try("io_uring", call(unix.SYS_IO_URING_SETUP, 1))
	try("a call of tomorrow", call(4000))
	try("packet socket", func() error { _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0); return err })
	try("code in memory", func() error {
		_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
		return err
	})
	try("signal to the parent", func() error { return unix.Kill(os.Getppid(), 0) })
	try("connect", func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil // then the next attempt says so
		}
		defer l.Close()
		_, err = net.Dial("tcp", l.Addr().String())
		return err
	})

	try("listen", func() error { l, err := net.Listen("tcp", "127.0.0.1:0"); close2(l); return err })
	try("datagrams", func() error { c, err := net.ListenPacket("udp", "127.0.0.1:0"); close2(c); return err })
	try("unix socket", func() error {
		l, err := net.Listen("unix", in("sockets", "a"))
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := net.Dial("unix", in("sockets", "a"))
		close2(c)
		return err
	})
	try("addresses", func() error { _, err := net.InterfaceAddrs(); return err })
	try("read", func() error { _, err := os.ReadFile(in("read", "a")); return err })
	try("write and rename", func() error {
		if err := os.WriteFile(in("write", "b.tmp"), []byte("b"), 0o600); err != nil {
			return err
		}
		return os.Rename(in("write", "b.tmp"), in("write", "b"))
	})
	try("read own state", func() error { _, err := os.ReadFile("/proc/self/stat"); return err })
	try("preempt", func() error { // needs signals between threads, and new threads
		stop := time.AfterFunc(50*time.Millisecond, runtime.GC)
		defer stop.Stop()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				runtime.LockOSThread() // never unlocked: the thread ends with it
				for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
				}
			})
		}
		wg.Wait()
		return nil
	})
}

func close2(c interface{ Close() error }) {
	if c != nil {
		c.Close()
	}
}
