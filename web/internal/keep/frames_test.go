package keep

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// wire makes a frame; with a mask as clients do.
func wire(op byte, fin bool, payload string, mask ...byte) []byte {
	b := []byte{op, 0}
	if fin {
		b[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if len(mask) == 0 {
		return append(b, payload...)
	}
	b[1] |= 0x80
	b = append(b, mask...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i&3])
	}
	return b
}

func TestReadMessage(t *testing.T) {
	t.Parallel()
	mask := []byte{1, 2, 3, 4}
	for name, tc := range map[string]struct {
		in    []byte
		begin string
		err   error
	}{
		"short":      {in: wire(opText, true, "<r/>"), begin: "<r/>"},
		"masked":     {in: wire(opText, true, "<iq/>", mask...), begin: "<iq/>"},
		"16 bits":    {in: wire(opText, true, strings.Repeat("a", 1000), mask...), begin: strings.Repeat("a", 64)},
		"64 bits":    {in: wire(opText, true, strings.Repeat("a", 70000)), begin: strings.Repeat("a", 64)},
		"fragments":  {in: bytes.Join([][]byte{wire(opText, false, "<i", mask...), wire(0, false, "q"), wire(9, true, "p"), wire(0, true, "/>")}, nil), begin: "<i"},
		"ping":       {in: wire(9, true, "p", mask...), begin: "p"},
		"nothing":    {err: io.EOF},
		"half":       {in: wire(opText, true, "<iq/>", mask...)[:7], err: io.ErrUnexpectedEOF},
		"half of it": {in: wire(opText, false, "<iq/>", mask...), err: io.ErrUnexpectedEOF},
		"too long":   {in: wire(opText, true, strings.Repeat("a", 100001)), err: errTooLong},
		"in all":     {in: bytes.Repeat(wire(opText, false, strings.Repeat("a", 40000)), 3), err: errTooLong},
	} {
		r := bytes.NewReader(append(tc.in, wire(opText, true, "next")...)[:len(tc.in)])
		m, err := readMessage(r, nil, 100000)
		if !errors.Is(err, tc.err) || err != nil && tc.err == nil {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
			continue
		}
		if err != nil {
			continue
		}
		if !bytes.Equal(m.raw, tc.in) {
			t.Errorf("%s: not the bytes that came", name)
		}
		if got := string(m.beginning(make([]byte, 64))); !strings.HasPrefix(got, tc.begin) {
			t.Errorf("%s: begins with %s", name, got)
		}
	}
}

// TestOf: what goes to hundreds costs no memory to look at.
func TestOf(t *testing.T) {
	m, err := readMessage(bytes.NewReader(wire(opText, true, `<presence xmlns="jabber:client"/>`, 1, 2, 3, 4)), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() {
		if _, stanza := of(m); !stanza {
			t.Error("not a stanza")
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReadMessage: whatever comes, no byte is lost or made up.
func FuzzReadMessage(f *testing.F) {
	f.Add(wire(opText, true, `<enable xmlns="urn:xmpp:sm:3" resume="true"/>`, 1, 2, 3, 4))
	f.Add(append(wire(opText, false, "<message "), wire(0, true, "/>")...))
	f.Add(wire(opClose, true, "\x03\xe8", 1, 2, 3, 4))
	f.Add(wire(opText, true, strings.Repeat("<a>", 500)))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, b := bytes.NewReader(in), book{}
		var out []byte
		for {
			m, err := readMessage(r, nil, maxMessage)
			out = append(out, m.raw...)
			if err != nil {
				break
			}
			b.client(m)
			b.server(m)
			if held, ok := b.after(b.last); !ok || len(held) != 0 {
				t.Fatal("what was handled is kept")
			}
		}
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(append(out, rest...), in) {
			t.Errorf("%d bytes out of %d, %v", len(out)+len(rest), len(in), err)
		}
	})
}
