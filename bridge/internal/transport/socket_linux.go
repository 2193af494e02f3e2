package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls here never block (MSG_DONTWAIT). They are made raw: Go
// would take a call of a hundred microseconds, such as a full batch's, for one
// that blocks, and wake another thread to go on in its place.

const (
	canSharePort = true
	// maxSegments is the kernel's UDP_MAX_SEGMENTS of old, maxSegmented what
	// fits one datagram of 64 KiB with its headers.
	maxSegments  = 64
	maxSegmented = 65000
	// writeWait is how long a full socket buffer may hold up a reader. A
	// gigabit takes a megabyte in 8 ms; who cannot send for longer loses
	// packets, but goes on reading.
	writeWait = 10 * time.Millisecond
	// mergedSize is the longest message that the kernel makes of several
	// datagrams. It costs memory where one is; what lies between two buffers
	// keeps their beginnings apart in the processor's caches.
	mergedSize = 1 << 16
	slotStride = mergedSize + 192
)

func sharePort(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); cerr != nil {
		return cerr
	}
	return err
}

// enlarge asks for large buffers, past the system's limit where allowed. What
// it does not get, it does without.
func enlarge(conn *net.UDPConn, raw syscall.RawConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer)
	})
}

// canSegment asks the kernel for UDP GSO, which came with 4.18.
func canSegment(raw syscall.RawConn) bool {
	var err error
	if cerr := raw.Control(func(fd uintptr) {
		_, err = unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
	}); cerr != nil {
		return false
	}
	return err == nil
}

// stamped asks the kernel to say when each datagram came: a reader that had to
// wait for the processor finds many at once. Where it does not, they came when
// they were read.
func stamped(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
}

// merged asks the kernel to hand over what comes from one client in a row, and
// is equally long, as one message (UDP GRO, Linux 5.0), where the network card
// has it so. Older kernels hand over each datagram.
func merged(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 1)
	})
}

// notesSize is CMSG_SPACE of a timespec and of an int.
const notesSize = unix.SizeofCmsghdr + int(unsafe.Sizeof(unix.Timespec{})) + unix.SizeofCmsghdr + int(unsafe.Sizeof(uint64(0)))

// sockaddr is an address as the kernel takes it: sockaddr_in or sockaddr_in6.
type sockaddr struct {
	raw  unix.RawSockaddrInet6
	size uint32
}

func sockaddrOf(a netip.AddrPort) (s sockaddr) {
	port := (*[2]byte)(unsafe.Pointer(&s.raw.Port)) // the same place in both
	binary.BigEndian.PutUint16(port[:], a.Port())
	if a.Addr().Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		v4.Family, v4.Addr = unix.AF_INET, a.Addr().As4()
		s.size = unix.SizeofSockaddrInet4
		return s
	}
	s.raw.Family, s.raw.Addr = unix.AF_INET6, a.Addr().As16()
	s.size = unix.SizeofSockaddrInet6
	return s
}

// address reads what the kernel wrote.
func (s *sockaddr) address() address {
	port := (*[2]byte)(unsafe.Pointer(&s.raw.Port))
	a := address{port: binary.BigEndian.Uint16(port[:])}
	if s.raw.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		a.lo = mappedPrefix | uint64(binary.BigEndian.Uint32(v4.Addr[:]))
		return a
	}
	a.hi, a.lo = binary.BigEndian.Uint64(s.raw.Addr[:8]), binary.BigEndian.Uint64(s.raw.Addr[8:])
	return a
}

// mmsghdr is struct mmsghdr; Go pads it as C does.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// incoming is a socket's receive buffers.
type incoming struct {
	raw     syscall.RawConn
	headers [readBatch]mmsghdr
	vectors [readBatch]unix.Iovec
	names   [readBatch]sockaddr
	slots   []byte                           // one every slotStride
	notes   [readBatch][notesSize / 8]uint64 // control messages, which want to be aligned
	recv    func(fd uintptr) bool            // made once: a closure per call would be an allocation
	look    func(fd uintptr) bool            // likewise
	n       int
	used    int // headers that the kernel has written to since they were set up
}

func newIncoming(s *socket) *incoming {
	in := &incoming{raw: s.raw, slots: make([]byte, readBatch*slotStride)}
	stamped(s.raw)
	merged(s.raw)
	for i := range in.headers {
		in.vectors[i].Base = &in.slots[i*slotStride]
		in.vectors[i].SetLen(mergedSize)
		h := &in.headers[i].hdr
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&in.names[i].raw))
		h.Namelen = unix.SizeofSockaddrInet6
		h.Control = (*byte)(unsafe.Pointer(&in.notes[i]))
		h.SetControllen(notesSize)
	}
	in.recv = in.recvmmsg
	in.look = func(fd uintptr) bool {
		in.recvmmsg(fd)
		return true
	}
	return in
}

func (in *incoming) recvmmsg(fd uintptr) bool {
	for i := range in.headers[:in.used] {
		in.headers[i].hdr.Namelen = unix.SizeofSockaddrInet6 // the kernel wrote there
		in.headers[i].hdr.SetControllen(notesSize)
	}
	in.n, in.used = 0, 0
	for {
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&in.headers[0])), readBatch, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			in.n, in.used = int(n), int(n)
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		// Errors of earlier sends (ICMP) end up here on some kernels; they say
		// nothing about what is to be read.
		return true
	}
}

// read waits for messages and says how many there are. It fails only when the
// socket is closed.
func (in *incoming) read() (int, error) {
	in.n = 0
	err := in.raw.Read(in.recv)
	return in.n, err
}

// more takes what has come since, without waiting; 0 is nothing, or an error
// that the next read finds again.
func (in *incoming) more() int {
	in.n = 0
	if in.raw.Read(in.look) != nil {
		return 0
	}
	return in.n
}

// message is number i of the last read.
func (in *incoming) message(i int) arrival {
	h := &in.headers[i]
	m := arrival{from: in.names[i].address(), part: slotSize}
	in.readNotes(i, &m)
	whole := int(h.n)
	if h.hdr.Flags&unix.MSG_TRUNC != 0 || m.part > slotSize || whole > slotSize && !m.merged {
		m.cut = true
		return m
	}
	at := i * slotStride
	m.bytes = in.slots[at : at+whole : at+whole]
	return m
}

// readNotes reads what the kernel says of a message: when it came, and how long
// its parts are if it is several datagrams.
func (in *incoming) readNotes(i int, m *arrival) {
	notes := unsafe.Slice((*byte)(unsafe.Pointer(&in.notes[i])), notesSize)
	notes = notes[:min(notesSize, int(in.headers[i].hdr.Controllen))]
	for len(notes) >= unix.SizeofCmsghdr {
		head := (*unix.Cmsghdr)(unsafe.Pointer(&notes[0]))
		size := int(head.Len)
		if size < unix.SizeofCmsghdr || size > len(notes) {
			return
		}
		value := notes[unix.SizeofCmsghdr:size]
		switch {
		case head.Level == unix.SOL_SOCKET && head.Type == unix.SO_TIMESTAMPNS && len(value) >= int(unsafe.Sizeof(unix.Timespec{})):
			m.came = (*unix.Timespec)(unsafe.Pointer(&value[0])).Nano()
		case head.Level == unix.SOL_UDP && head.Type == unix.UDP_GRO && len(value) >= 4:
			if part := int(binary.NativeEndian.Uint32(value)); part > 0 {
				m.part, m.merged = part, true
			}
		}
		notes = notes[min(len(notes), (size+7)&^7):]
	}
}

const controlSize = 24 // CMSG_SPACE(2) on 64 bits; more than enough on 32

// outgoing is what the kernel is handed for one batch.
type outgoing struct {
	headers [maxPackets]mmsghdr
	owners  [maxPackets]*binding // whom they go to
	vectors [maxPackets]unix.Iovec
	control [maxPackets][controlSize]byte
	count   int // headers in use
	used    int // vectors in use
	sent    int // headers done
	local   *local
	wait    bool
	calls   int
	refused int // packets the kernel would not take
	late    int // packets that found the buffer full
	send    func(fd uintptr) bool
}

func newOutgoing() *outgoing {
	o := &outgoing{}
	o.send = o.sendmmsg
	return o
}

// add makes messages of one receiver's packets: as few as the kernel can cut
// apart again (equal sizes, only the last may be shorter).
func (o *outgoing) add(b *Batch, first int32, to *binding) {
	gso := !to.local.noGSO.Load() && !to.noGSO.Load()
	for i := first; i >= 0; {
		p := &b.packets[i]
		size, total, segments := p.size, p.size, 1
		start := o.used
		o.vector(b.arena[p.at:])
		o.vectors[start].SetLen(int(size))
		last := size
		for i = p.next; gso && i >= 0; i = p.next {
			p = &b.packets[i]
			if last < size || p.size > size || segments == maxSegments || total+p.size > maxSegmented {
				break
			}
			o.vector(b.arena[p.at:])
			o.vectors[o.used-1].SetLen(int(p.size))
			last, total, segments = p.size, total+p.size, segments+1
		}
		h := &o.headers[o.count].hdr
		*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&to.to.raw)), Namelen: to.to.size, Iov: &o.vectors[start]}
		h.SetIovlen(segments)
		if segments > 1 {
			c := &o.control[o.count]
			ch := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
			ch.Level, ch.Type = unix.SOL_UDP, unix.UDP_SEGMENT
			ch.SetLen(unix.CmsgLen(2))
			*(*uint16)(unsafe.Pointer(&c[unix.CmsgLen(0)])) = uint16(size)
			h.Control = &c[0]
			h.SetControllen(unix.CmsgSpace(2))
		}
		o.owners[o.count] = to
		o.count++
	}
}

func (o *outgoing) vector(b []byte) {
	o.vectors[o.used].Base = &b[0]
	o.used++
}

// flush hands all messages to the kernel through one of the address's sockets.
func (o *outgoing) flush(l *local, lane int) {
	s := l.sockets[lane%len(l.sockets)]
	o.local, o.sent, o.wait = l, 0, false
	err := s.raw.Write(o.send)
	if err == nil && o.sent < o.count {
		o.wait = true
		_ = s.conn.SetWriteDeadline(time.Now().Add(writeWait)) // it fails only on a closed socket, as Write does then
		err = s.raw.Write(o.send)
		_ = s.conn.SetWriteDeadline(time.Time{})
	}
	if err != nil || o.sent < o.count {
		lost := 0
		for i := o.sent; i < o.count; i++ {
			lost += int(o.headers[i].hdr.Iovlen)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			o.late += lost
		} else {
			o.refused += lost
		}
	}
	clear(o.owners[:o.count])
	o.count, o.used, o.local = 0, 0, nil
}

// sendmmsg sends until all is sent or the buffer is full; whether it then
// waits is o.wait.
func (o *outgoing) sendmmsg(fd uintptr) bool {
	for o.sent < o.count {
		n, _, e := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&o.headers[o.sent])), uintptr(o.count-o.sent), unix.MSG_DONTWAIT, 0, 0)
		o.calls++
		switch e {
		case 0:
			o.sent += int(n)
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS:
			return !o.wait
		default:
			o.refuse(fd, e)
			o.sent++
		}
	}
	return true
}

// refuse deals with the one message the kernel did not take: if it was
// segmented, the packets go out one by one, and no more is segmented for this
// receiver, or at all.
func (o *outgoing) refuse(fd uintptr, e unix.Errno) {
	h := &o.headers[o.sent].hdr
	segments := int(h.Iovlen)
	if segments == 1 {
		o.refused++
		return
	}
	if e == unix.EIO || e == unix.EOPNOTSUPP {
		o.local.noGSO.Store(true) // this network card cannot do checksums
	} else {
		o.owners[o.sent].noGSO.Store(true) // larger than this way's MTU: the kernel may still fragment
	}
	vectors := unsafe.Slice(h.Iov, segments)
	for i := range vectors {
		one := unix.Msghdr{Name: h.Name, Namelen: h.Namelen, Iov: &vectors[i]}
		one.SetIovlen(1)
		_, _, e := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&one)), unix.MSG_DONTWAIT)
		runtime.KeepAlive(&one)
		o.calls++
		if e != 0 {
			o.refused++
		}
	}
}
