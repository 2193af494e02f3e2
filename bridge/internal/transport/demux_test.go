package transport

import (
	"bytes"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	cookie := []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	with := func(first, second byte, n int) []byte { return append([]byte{first, second}, make([]byte, n-2)...) }
	for _, tc := range []struct {
		name string
		in   []byte
		want kind
	}{
		{"empty", nil, garbage},
		{"STUN", cookie, stunPacket},
		{"STUN without a cookie", with(0, 1, 20), garbage},
		{"STUN header cut", cookie[:19], garbage},
		{"ZRTP", with(16, 0, 20), garbage},
		{"DTLS", with(20, 254, 13), dtlsPacket},
		{"DTLS 63", with(63, 254, 13), dtlsPacket},
		{"DTLS header cut", with(22, 254, 12), garbage},
		{"TURN channel", with(64, 0, 20), turnPacket},
		{"80", with(80, 0, 20), garbage},
		{"RTP", with(128, 111, 12), rtpPacket},
		{"RTP with a marker", with(144, 239, 12), rtpPacket},
		{"RTP cut", with(128, 111, 11), garbage},
		{"RTCP 192", with(128, 192, 8), rtcpPacket},
		{"RTCP 223", with(191, 223, 8), rtcpPacket},
		{"RTCP cut", with(128, 200, 7), garbage},
		{"192", with(192, 200, 20), garbage},
	} {
		if got := classify(tc.in); got != tc.want {
			t.Errorf("%s: classify(%x) = %v, want %v", tc.name, tc.in, got, tc.want)
		}
	}
}

func binding4(t testing.TB, user, password string) []byte {
	t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(user), ice.AttrControlled(1),
		ice.PriorityAttr(5), stun.NewShortTermIntegrity(password), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestParseSTUN(t *testing.T) {
	t.Parallel()
	raw := binding4(t, "us:them", "password")
	m, ok := parseSTUN(raw)
	if !ok || m.kind != bindingRequest || string(m.localUfrag()) != "us" || !m.authentic("password") {
		t.Errorf("parseSTUN(%x) = %+v, %v", raw, m, ok)
	}
	if m.authentic("passwore") || m.authentic("") {
		t.Error("authentic under another password")
	}
	for i := range raw[:len(raw)-8] { // FINGERPRINT is not covered
		b := bytes.Clone(raw)
		b[i] ^= 1
		if m, ok := parseSTUN(b); ok && m.authentic("password") && i != 2 && i != 3 {
			t.Errorf("authentic with byte %d changed", i)
		}
	}
	for n := range raw {
		if _, ok := parseSTUN(raw[:n]); ok {
			t.Errorf("%d of %d bytes parse", n, len(raw))
		}
	}
	if m, ok := parseSTUN(binding4(t, "nocolon", "p")); !ok || m.localUfrag() != nil {
		t.Errorf("user without a colon: %q, %v", m.localUfrag(), ok)
	}
}

// FuzzDatagram: sorting never panics; a datagram is of one kind; and what we
// call an authentic STUN message, a full decoder agrees with.
func FuzzDatagram(f *testing.F) {
	f.Add(binding4(f, "us:them", "password"))
	f.Add([]byte{0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 0})
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		k := classify(b)
		m, ok := parseSTUN(b)
		if ok && k != stunPacket && b[0] < 4 {
			t.Errorf("%x parses as STUN, but is of kind %v", b, k)
		}
		if k == stunPacket && ok {
			var theirs stun.Message
			if err := stun.Decode(b, &theirs); err != nil {
				t.Errorf("%x: we parse it, pion says %v", b, err)
			} else if err := stun.NewShortTermIntegrity("password").Check(&theirs); m.authentic("password") != (err == nil) {
				t.Errorf("%x: authentic %v, pion says %v", b, m.authentic("password"), err)
			}
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%x was changed to %x", before, b)
		}
	})
}

// FuzzReader: whatever arrives on the port, from an address that may send and
// from one that may not, the reader lives.
func FuzzReader(f *testing.F) {
	f.Add(binding4(f, "us:them", "password"), true)
	f.Add([]byte{0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, true)
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false)
	x := newBench(f, 7, 2)
	f.Fuzz(func(t *testing.T, b []byte, known bool) {
		from := x.from[0]
		if !known {
			from.port++
		}
		before := x.reader.out.dropped
		x.reader.handle(bytes.Clone(b), from, Now())
		if classify(b) == garbage && x.reader.out.dropped[dropGarbage] != before[dropGarbage]+1 {
			t.Errorf("%x is not counted as garbage", b)
		}
	})
}
