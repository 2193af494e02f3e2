package c2s

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// poll is an epoll descriptor, which itself waits in the runtime's: many
// connections have one goroutine.
type poll struct {
	file   *os.File
	raw    syscall.RawConn // of file
	events [64]unix.EpollEvent
	come   []int32 // their numbers
}

func openPoll() (*poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // has NewFile give it to the runtime's
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	p := &poll{file: os.NewFile(uintptr(fd), "epoll")}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	return p, nil
}

// arm has next give number, once, when fd can be read, or when its peer has
// ended. Again is whether it was armed before.
func (p *poll) arm(fd uintptr, number int32, again bool) error {
	op := unix.EPOLL_CTL_ADD
	if again {
		op = unix.EPOLL_CTL_MOD
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: number}
	var err error
	failed := p.raw.Control(func(epoll uintptr) { err = unix.EpollCtl(int(epoll), op, int(fd), &event) })
	return errors.Join(failed, os.NewSyscallError("epoll_ctl", err))
}

// next waits for numbers, which are there until the next call. It fails when
// the poll was closed.
func (p *poll) next() ([]int32, error) {
	p.come = p.come[:0]
	err := p.raw.Read(func(epoll uintptr) bool {
		n, err := unix.EpollWait(int(epoll), p.events[:], 0)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.EpollWait(int(epoll), p.events[:], 0)
		}
		for _, e := range p.events[:max(n, 0)] {
			p.come = append(p.come, e.Fd)
		}
		return n > 0
	})
	return p.come, err
}

func (p *poll) close() { _ = p.file.Close() } // nobody is told of it
