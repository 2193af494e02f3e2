package keep

import (
	"encoding/binary"
	"errors"
	"io"
)

// Opcodes of RFC 6455 §5.2; those from opClose on are of control frames.
const (
	opText  = 1
	opClose = 8
)

// errTooLong is a frame or message that is not held in memory.
var errTooLong = errors.New("too long to be kept")

// mostAtOnce is how much memory a frame's header can claim before its payload
// is there.
const mostAtOnce = 64 << 10

// frame is one as it is on the wire.
type frame struct {
	raw     []byte
	op      byte
	fin     bool
	mask    [4]byte // zeros: none
	payload int     // where it begins in raw
}

// readFrame reads one whose payload has no more than most bytes, appending to
// buf. After an error raw has what came of it.
func readFrame(r io.Reader, buf []byte, most int) (frame, error) {
	f := frame{raw: buf}
	head, err := f.read(r, 2)
	if err != nil {
		return f, err
	}
	f.op, f.fin = head[0]&0x0f, head[0]&0x80 != 0
	masked, n := head[1]&0x80 != 0, uint64(head[1]&0x7f)
	switch n {
	case 126:
		if head, err = f.read(r, 2); err == nil {
			n = uint64(binary.BigEndian.Uint16(head))
		}
	case 127:
		if head, err = f.read(r, 8); err == nil {
			n = binary.BigEndian.Uint64(head)
		}
	}
	if err == nil && masked {
		head, err = f.read(r, 4)
		copy(f.mask[:], head)
	}
	if err == nil && n > uint64(most) {
		err = errTooLong
	}
	f.payload = len(f.raw)
	for left := int(n); err == nil && left > 0; {
		var got []byte
		got, err = f.read(r, min(left, mostAtOnce))
		left -= len(got)
	}
	return f, unexpected(err)
}

// read appends n bytes to raw and returns them.
func (f *frame) read(r io.Reader, n int) ([]byte, error) {
	start := len(f.raw)
	if cap(f.raw)-start < n {
		grown := make([]byte, start, max(2*start, start+n, 512))
		copy(grown, f.raw)
		f.raw = grown
	}
	got, err := io.ReadFull(r, f.raw[start:start+n])
	f.raw = f.raw[:start+got]
	return f.raw[start:], err
}

// unexpected is err after a frame has begun.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMessage reads frames up to the end of a message, or one control frame,
// appending to buf; most bytes in all. The frame it returns is the first one
// with the bytes of all: they can be sent as they are.
func readMessage(r io.Reader, buf []byte, most int) (frame, error) {
	m, err := readFrame(r, buf, most)
	for last := m; err == nil && !(last.fin && last.op < opClose) && m.op < opClose; {
		if last, err = readFrame(r, m.raw, most-len(m.raw)); errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		m.raw = last.raw
	}
	return m, err
}

// beginning is the first bytes of the payload, unmasked, as many as fit into b.
func (f *frame) beginning(b []byte) []byte {
	b = b[:copy(b, f.raw[f.payload:])]
	for i := range b {
		b[i] ^= f.mask[i&3]
	}
	return b
}
