package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"
)

// Op is what a frame is.
type Op byte

// The frames of RFC 6455 §5.2.
const (
	Continuation Op = 0
	Text         Op = 1
	Binary       Op = 2
	Close        Op = 8
	Ping         Op = 9
	Pong         Op = 10
)

// Status codes of RFC 6455 §7.4.1.
const (
	Normal        = 1000
	GoingAway     = 1001
	ProtocolError = 1002
	noStatus      = 1005
)

// maxControl is the longest payload of a control frame (§5.5).
const maxControl = 125

// CloseError is the peer's end of the connection, by its status code.
type CloseError int

func (e CloseError) Error() string { return fmt.Sprintf("websocket: closed with %d", int(e)) }

// ErrProtocol is a peer that does not speak RFC 6455.
var ErrProtocol = errors.New("websocket: protocol error")

// Conn is one connection.
type Conn struct {
	conn  net.Conn
	raw   syscall.RawConn // of conn; nil where there is none
	try   func(fd uintptr) bool
	out   attempt
	early []byte // came with the handshake

	// The beginning of what comes next, up to a frame's header: read as far as
	// it goes, so that a short frame is one system call.
	got  [14]byte
	have int

	frame header // being read, after Begin
	left  int64  // of its payload
	begun bool   // a message is being read

	// Answer is called with the payload of each ping, on the reading goroutine;
	// a pong with it is to be sent. Only the last one must be (§5.5.3).
	Answer func(payload []byte)
}

type header struct {
	op   Op
	fin  bool
	mask [4]byte
	at   int // in the mask
}

// New makes a connection of one whose handshake is done; early is what has
// come after it.
func New(conn net.Conn, early []byte) *Conn {
	c := &Conn{conn: conn}
	c.try = c.write
	if len(early) > 0 {
		c.early = early
	}
	if s, ok := conn.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// source reads from the connection.
func (c *Conn) source(b []byte) (int, error) {
	if c.early != nil {
		n := copy(b, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	return c.conn.Read(b)
}

// need makes the first n bytes of what comes next known.
func (c *Conn) need(n int) error {
	for c.have < n {
		m, err := c.source(c.got[c.have:])
		c.have += m
		if err != nil && c.have < n {
			return err
		}
	}
	return nil
}

// used forgets the first n bytes.
func (c *Conn) used(n int) { c.have = copy(c.got[:], c.got[n:c.have]) }

// Begin reads one frame's header, and all of a control frame. It reports
// whether a message has begun, which Read gives. The peer's orderly end is a
// CloseError.
func (c *Conn) Begin() (bool, error) {
	if c.begun {
		return true, nil
	}
	data, err := c.next()
	if data && c.frame.op == Continuation {
		return false, fmt.Errorf("%w: continues nothing", ErrProtocol)
	}
	c.begun = data
	return data, err
}

// Pending tells whether something has been received that Begin has not seen,
// so that nothing more may come.
func (c *Conn) Pending() bool { return c.have > 0 || c.early != nil }

// next reads a header. It reports false if that was of a control frame, which
// has been dealt with.
func (c *Conn) next() (data bool, err error) {
	if err := c.header(); err != nil {
		return false, err
	}
	if c.frame.op < Close {
		return true, nil
	}
	return false, c.control()
}

// header reads one and checks it.
func (c *Conn) header() error {
	if err := c.need(2); err != nil {
		return err
	}
	a, b := c.got[0], c.got[1]
	c.frame = header{op: Op(a & 0x0f), fin: a&0x80 != 0}
	switch {
	case a&0x70 != 0:
		return fmt.Errorf("%w: reserved bits", ErrProtocol)
	case c.frame.op > Binary && c.frame.op < Close, c.frame.op > Pong:
		return fmt.Errorf("%w: opcode %d", ErrProtocol, c.frame.op)
	case b&0x80 == 0:
		return fmt.Errorf("%w: frame without a mask", ErrProtocol)
	case c.frame.op >= Close && (!c.frame.fin || b&0x7f > maxControl):
		return fmt.Errorf("%w: long control frame", ErrProtocol)
	}
	n := 2
	c.left = int64(b & 0x7f)
	switch c.left {
	case 126:
		n = 4
	case 127:
		n = 10
	}
	if err := c.need(n + 4); err != nil {
		return err
	}
	switch n {
	case 4:
		c.left = int64(binary.BigEndian.Uint16(c.got[2:]))
	case 10:
		long := binary.BigEndian.Uint64(c.got[2:])
		if long > 1<<62 {
			return fmt.Errorf("%w: length %d", ErrProtocol, long)
		}
		c.left = int64(long)
	}
	copy(c.frame.mask[:], c.got[n:])
	c.used(n + 4)
	return nil
}

// payload reads some of the frame's into b, unmasked.
func (c *Conn) payload(b []byte) (int, error) {
	b = b[:min(int64(len(b)), c.left)]
	n, err := 0, error(nil)
	if c.have > 0 {
		n = copy(b, c.got[:c.have])
		c.used(n)
	} else {
		n, err = c.source(b)
	}
	for i := range b[:n] {
		b[i] ^= c.frame.mask[c.frame.at&3]
		c.frame.at++
	}
	c.left -= int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// control deals with a control frame.
func (c *Conn) control() error {
	b := make([]byte, 0, maxControl)
	for c.left > 0 {
		n, err := c.payload(b[len(b):cap(b)])
		if err != nil {
			return err
		}
		b = b[:len(b)+n]
	}
	switch c.frame.op {
	case Ping:
		if c.Answer != nil {
			c.Answer(b)
		}
	case Close:
		return closed(b)
	}
	return nil
}

// closed reads the payload of a close frame.
func closed(b []byte) error {
	if len(b) == 0 {
		return CloseError(noStatus)
	}
	if len(b) == 1 || !utf8.Valid(b[2:]) {
		return fmt.Errorf("%w: close frame", ErrProtocol)
	}
	code := int(binary.BigEndian.Uint16(b))
	switch {
	case code < 1000, code >= 1004 && code <= 1006, code >= 1015 && code < 3000, code >= 5000:
		return fmt.Errorf("%w: close frame with %d", ErrProtocol, code)
	}
	return CloseError(code)
}

// Read appends the next message to buf, at most one byte more than limit, after
// which it must not be called again.
func (c *Conn) Read(buf []byte, limit int) ([]byte, Op, error) {
	for !c.begun {
		if _, err := c.Begin(); err != nil {
			return buf, 0, err
		}
	}
	op, start := c.frame.op, len(buf)
	for {
		for c.left > 0 {
			if len(buf)-start > limit {
				return buf, op, nil
			}
			// No more than what has come: a header alone costs the peer nothing.
			buf = slices.Grow(buf, int(min(c.left, max(512, int64(len(buf)-start)))))
			room := buf[len(buf):min(cap(buf), start+limit+1)]
			n, err := c.payload(room)
			if err != nil {
				return buf, op, unexpected(err)
			}
			buf = buf[:len(buf)+n]
		}
		if c.frame.fin {
			c.begun = false
			return buf, op, nil
		}
		if err := c.further(); err != nil {
			return buf, op, unexpected(err)
		}
	}
}

// further reads up to the next frame of a message.
func (c *Conn) further() error {
	for {
		data, err := c.next()
		if err != nil {
			return err
		}
		if data && c.frame.op != Continuation {
			return fmt.Errorf("%w: a message within another", ErrProtocol)
		}
		if data {
			return nil
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Discard reads and forgets until the peer has closed.
func (c *Conn) Discard() {
	_, _ = io.Copy(io.Discard, c.conn)
}

// Control calls f with the connection's descriptor, which stays open meanwhile.
// It fails with errors.ErrUnsupported where there is none.
func (c *Conn) Control(f func(fd uintptr) error) error {
	if c.raw == nil {
		return errors.ErrUnsupported
	}
	var err error
	failed := c.raw.Control(func(fd uintptr) { err = f(fd) })
	return errors.Join(failed, err)
}

// Kill ends both directions at once, which whoever reads, writes or polls
// notices; the descriptor stays until Close, where it can. Safe for concurrent
// use.
func (c *Conn) Kill() error {
	half, ok := c.conn.(interface {
		CloseRead() error
		CloseWrite() error
	})
	if !ok {
		return c.conn.Close()
	}
	return errors.Join(half.CloseWrite(), half.CloseRead())
}

// Close gives the descriptor back.
func (c *Conn) Close() error { return c.conn.Close() }

// AppendHeader appends the header of a frame with a payload of n bytes.
func AppendHeader(b []byte, op Op, n int) []byte {
	b = append(b, 0x80|byte(op))
	switch {
	case n <= maxControl:
		return append(b, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
}

// Append appends a frame.
func Append(b []byte, op Op, payload []byte) []byte {
	return append(AppendHeader(b, op, len(payload)), payload...)
}

// AppendClose appends a close frame.
func AppendClose(b []byte, code uint16) []byte {
	return binary.BigEndian.AppendUint16(AppendHeader(b, Close, 2), code)
}

// TryWrite writes what the kernel takes at once, and returns how much that was.
func (c *Conn) TryWrite(b []byte) (int, error) {
	if c.raw == nil {
		return 0, nil
	}
	c.out = attempt{b: b}
	failed := c.raw.Write(c.try)
	out := c.out
	c.out = attempt{}
	return out.n, errors.Join(failed, out.err)
}

// attempt is a TryWrite under way; in the connection, for a closure each time
// would be most of the garbage of a large room.
type attempt struct {
	b   []byte
	n   int
	err error
}

// write is for TryWrite.
func (c *Conn) write(fd uintptr) bool {
	for o := &c.out; o.n < len(o.b); {
		n, err := syscall.Write(int(fd), o.b[o.n:])
		switch {
		case n > 0:
			o.n += n
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return true
		default:
			o.err = err
			return true
		}
	}
	return true
}

// Write writes all of b, for as long as patience.
func (c *Conn) Write(b []byte, patience time.Duration) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.conn.Write(b); err != nil {
		return err
	}
	return c.conn.SetWriteDeadline(time.Time{})
}
