package transport

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a client sends as one message (UDP GSO) comes as one over the loopback
// interface, and as with a network card that merges, and is its datagrams again.
func TestMerged(t *testing.T) {
	t.Parallel()
	in, client := newReading(t)
	for _, c := range []struct {
		part, sent int
		want       []int // lengths; none: it is cut
	}{
		{1200, 1200*2 + 700, []int{1200, 1200, 700}},
		{1000, 64 * 1000, slices.Repeat([]int{1000}, 64)},
		{0, slotSize, []int{slotSize}},
		{0, slotSize + 1, nil},
		{slotSize, 2 * slotSize, []int{slotSize, slotSize}},
		{slotSize + 1, 2*slotSize + 2, nil},
		{0, 20, []int{20}},
	} {
		text := make([]byte, c.sent)
		for i := range text {
			text[i] = byte(i / max(c.part, 1))
		}
		if _, _, err := client.WriteMsgUDP(text, segments(c.part), nil); err != nil {
			t.Fatal(err)
		}
		n, err := in.read()
		if err != nil || n != 1 {
			t.Fatalf("%d bytes by %d: %d messages, %v", c.sent, c.part, n, err)
		}
		m := in.message(0)
		if m.came == 0 {
			t.Errorf("%d bytes by %d: no time", c.sent, c.part)
		}
		if m.cut != (c.want == nil) {
			t.Errorf("%d bytes by %d: cut is %v", c.sent, c.part, m.cut)
		}
		var got []int
		var all []byte
		for len(m.bytes) > 0 {
			b := m.next()
			if cap(b) != len(b) {
				t.Errorf("%d bytes by %d: there is room to write into the next datagram", c.sent, c.part)
			}
			got, all = append(got, len(b)), append(all, b...)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d bytes by %d: datagrams of %v bytes, want %v", c.sent, c.part, got, c.want)
		}
		if c.want != nil && !bytes.Equal(all, text) {
			t.Errorf("%d bytes by %d: others than were sent", c.sent, c.part)
		}
	}
}

// segments asks the kernel to send a message as datagrams of that length.
func segments(part int) []byte {
	if part == 0 {
		return nil
	}
	b := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(part))
	return b
}
