package srtp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 3711 appendix B.3.
func TestKeyDerivation(t *testing.T) {
	t.Parallel()
	k := Keys{CM80, unhex(t, "E1F97A0D3E018BE0D64FA32C06DE4139"), unhex(t, "0EC675AD498AFEEBB6960B3AABE6")}
	for label, want := range []string{
		"C61E7A93744F39EE10734AFE3FF7A087",
		"CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
		"30CBBC08863D8C85D49DB34A9AE1",
	} {
		got, err := k.derive(byte(label), len(want)/2)
		if err != nil || !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("label %d: %X, %v, want %s", label, got, err, want)
		}
	}
}

// RFC 7714 sections 16.1.1 and 17.1.
func TestRFC7714(t *testing.T) {
	t.Parallel()
	g, err := newGCM(unhex(t, "000102030405060708090a0b0c0d0e0f"), unhex(t, "517569642070726f2071756f"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Sender{rtp: g, rtcp: g, gcm: true}
	s.index.Store(0x5d4)
	r := &Receiver{rtp: g, rtcp: g, gcm: true, tag: 16, streams: map[uint32]*history{}, compounds: map[uint32]*history{}, fresh: &history{}}
	var sc Scratch
	var c Counter

	plain := unhex(t, `8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
		69736120 696e2070 61727465 73207472 6573`)
	want := unhex(t, `8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
		0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`)
	got, ok := s.SealRTP(&sc, nil, &c, plain[:12], plain[12:])
	if !ok || !bytes.Equal(got, want) {
		t.Errorf("SRTP %x, want %x", got, want)
	}
	if got, err := r.OpenRTP(got); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("RTP %x, %v, want %x", got, err, plain)
	}

	plain = unhex(t, `81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
		deadbeef deadbeef deadbeef deadbeef deadbeef`)
	want = unhex(t, `81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
		c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`)
	got, ok = s.SealRTCP(&sc, nil, plain)
	if !ok || !bytes.Equal(got, want) {
		t.Errorf("SRTCP %x, want %x", got, want)
	}
	if got, err := r.OpenRTCP(got); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("RTCP %x, %v, want %x", got, err, plain)
	}
}

func TestCounter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		seqs []uint16
		want []int64 // -1: refused
	}{
		{"in order", []uint16{5, 6, 7}, []int64{5, 6, 7}},
		{"rolls over", []uint16{65535, 0, 1}, []int64{65535, 65536, 65537}},
		{"old again, over the edge", []uint16{65535, 1, 65535, 0, 2}, []int64{65535, 65537, 65535, 65536, 65538}},
		{"older than the first", []uint16{3, 65530, 4}, []int64{3, -1, 4}},
		{"a little older than the first", []uint16{300, 290, 301}, []int64{300, 290, 301}},
		{"jumps half way", []uint16{0, 32767, 65534, 32765}, []int64{0, 32767, 65534, 98301}},
		{"half way back is old", []uint16{40000, 7232}, []int64{40000, 7232}},
	} {
		var c Counter
		for i, seq := range tc.seqs {
			got, ok := c.Index(seq)
			if want := tc.want[i]; ok != (want >= 0) || ok && got != uint64(want) {
				t.Errorf("%s: Index(%d) after %v = %d, %v, want %d", tc.name, seq, tc.seqs[:i], got, ok, want)
			}
		}
	}
	var c Counter
	c.next.Store(maxPackets + 1)
	if _, ok := c.Index(0); ok {
		t.Error("the index goes on after 2⁴⁸ packets")
	}
}

// The window agrees with a set of what was seen, for random orders.
func TestWindow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var h history
		seen := map[uint64]bool{}
		highest := uint64(rng.IntN(1 << 20))
		for range 3000 {
			index := highest - min(highest, rng.Uint64N(window+100))
			switch rng.IntN(4) {
			case 0:
				index = highest + 1 + rng.Uint64N(3)
			case 1:
				index = highest + rng.Uint64N(2*window)
			}
			// What is older than the window counts as seen.
			want := seen[index] || h.next != 0 && index+window < h.next
			if got := h.seen(index); got != want {
				t.Fatalf("seed %d: seen(%d) = %v with highest %d, want %v", seed, index, got, h.next-1, want)
			}
			if !want {
				h.add(index)
				seen[index] = true
				highest = max(highest, index)
			}
		}
	}
}

// Sealing an old packet again gives the same bytes and leaves the rollover
// counter alone.
func TestRetransmission(t *testing.T) {
	t.Parallel()
	for profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			t.Parallel()
			s, r := newPair(t, newKeys(profile))
			var sc Scratch
			var c Counter
			seal := func(seq uint16) []byte {
				header, body := rtpPacket(t, 9, seq, 40)
				b, ok := s.SealRTP(&sc, nil, &c, header, body)
				if !ok {
					t.Fatalf("seq %d is not sealed", seq)
				}
				return b
			}
			first := map[uint16][]byte{}
			for i := range uint16(40) {
				seq := 65516 + i
				first[seq] = seal(seq)
				old := 65516 + i/2
				if again := seal(old); !bytes.Equal(again, first[old]) {
					t.Errorf("seq %d differs the second time", old)
				}
			}
			for i := range uint16(40) {
				if i == 5 {
					continue // lost
				}
				if _, err := r.OpenRTP(bytes.Clone(first[65516+i])); err != nil {
					t.Errorf("packet %d: %v", i, err)
				}
			}
			if _, err := r.OpenRTP(seal(65521)); err != nil {
				t.Errorf("the lost one, sent again: %v", err)
			}
			if _, err := r.OpenRTP(seal(65521)); !errors.Is(err, ErrReplayed) {
				t.Errorf("and once more: %v, want %v", err, ErrReplayed)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			t.Parallel()
			s, r := newPair(t, newKeys(profile))
			var sc Scratch
			var c Counter
			header, body := rtpPacket(t, 1, 1, 100)
			sealed, _ := s.SealRTP(&sc, nil, &c, header, body)
			rtcp, _ := s.SealRTCP(&sc, nil, rtcpPacket(1))
			open := func(name string, f func([]byte) ([]byte, error), b []byte, want error) {
				t.Helper()
				if _, err := f(bytes.Clone(b)); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", name, err, want)
				}
			}
			for n := range sealed {
				_, err := r.OpenRTP(bytes.Clone(sealed[:n]))
				if err == nil {
					t.Errorf("%d of %d bytes of RTP open", n, len(sealed))
				}
				if n < len(rtcp) {
					if _, err := r.OpenRTCP(bytes.Clone(rtcp[:n])); err == nil {
						t.Errorf("%d of %d bytes of RTCP open", n, len(rtcp))
					}
				}
			}
			for i := range sealed {
				b := bytes.Clone(sealed)
				b[i] ^= 0x40
				if _, err := r.OpenRTP(b); err == nil {
					t.Errorf("RTP opens with byte %d changed", i)
				}
			}
			for i := range rtcp {
				b := bytes.Clone(rtcp)
				b[i] ^= 0x40
				if _, err := r.OpenRTCP(b); err == nil {
					t.Errorf("RTCP opens with byte %d changed", i)
				}
			}
			if len(r.streams)+len(r.compounds) != 0 {
				t.Error("forged packets leave history")
			}
			clear := bytes.Clone(rtcp)
			clear[len(clear)-map[Profile]int{GCM128: 4, CM80: 14}[profile]] &^= 0x80
			open("RTCP not encrypted", r.OpenRTCP, clear, ErrMalformed)
			open("RTP", r.OpenRTP, sealed, nil)
			open("RTP again", r.OpenRTP, sealed, ErrReplayed)
			open("RTCP", r.OpenRTCP, rtcp, nil)
			open("RTCP again", r.OpenRTCP, rtcp, ErrReplayed)
			if _, ok := s.SealRTP(&sc, nil, &c, header[:11], nil); ok {
				t.Error("a header of eleven bytes is sealed")
			}
			if _, ok := s.SealRTCP(&sc, nil, make([]byte, 7)); ok {
				t.Error("a compound of seven bytes is sealed")
			}
			s.index.Store(maxIndex)
			if _, ok := s.SealRTCP(&sc, nil, rtcpPacket(1)); !ok {
				t.Error("the last SRTCP index is not used")
			}
			for range 2 {
				if _, ok := s.SealRTCP(&sc, nil, rtcpPacket(1)); ok {
					t.Error("SRTCP goes on with its keys used up")
				}
			}
		})
	}
	for _, k := range []Keys{{}, {Profile: GCM128}, {GCM128, make([]byte, 16), make([]byte, 14)}, {9, make([]byte, 16), make([]byte, 14)}} {
		if _, err := NewSender(k); err == nil {
			t.Errorf("keys %+v are accepted", k)
		}
		if _, err := NewReceiver(k); err == nil {
			t.Errorf("keys %+v are accepted", k)
		}
	}
}

// The stream that was silent for longest makes room; those in use stay.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	s, r := newPair(t, newKeys(GCM128))
	var sc Scratch
	for ssrc := range uint32(maxStreams + 10) {
		for _, x := range []uint32{0, ssrc} { // 0 is always in use
			var c Counter
			header, body := rtpPacket(t, x, uint16(ssrc), 10)
			b, _ := s.SealRTP(&sc, nil, &c, header, body)
			if _, err := r.OpenRTP(b); err != nil && ssrc != 0 {
				t.Fatalf("SSRC %d: %v", x, err)
			}
		}
	}
	if len(r.streams) != maxStreams {
		t.Errorf("%d streams, want %d", len(r.streams), maxStreams)
	}
	if r.streams[0] == nil || r.streams[1] != nil {
		t.Error("the wrong ones are forgotten")
	}
}

func TestAllocations(t *testing.T) {
	for profile, want := range map[Profile]float64{GCM128: 0, CM80: 2} { // see the package's doc
		s, r := newPair(t, newKeys(profile))
		var sc Scratch
		var c Counter
		header, body := rtpPacket(t, 1, 0, 1100)
		dst := make([]byte, 0, 1500)
		seq := uint16(0)
		if n := testing.AllocsPerRun(100, func() {
			seq++
			header[2], header[3] = byte(seq>>8), byte(seq)
			b, _ := s.SealRTP(&sc, dst, &c, header, body)
			if _, err := r.OpenRTP(b); err != nil {
				t.Fatal(err)
			}
		}); n != want {
			t.Errorf("%v: %v allocations to seal and open, want %v", profile, n, want)
		}
	}
}

// FuzzOpen: nothing panics, what opens is what was sealed, and what is sealed opens.
func FuzzOpen(f *testing.F) {
	k := Keys{GCM128, bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 12)}
	header, body := rtpPacket(f, 1, 1, 20)
	var sc Scratch
	s, _ := newPair(f, k)
	sealed, _ := s.SealRTP(&sc, nil, &Counter{}, header, body)
	rtcp, _ := s.SealRTCP(&sc, nil, rtcpPacket(1))
	f.Add(sealed, false)
	f.Add(rtcp, false)
	f.Add(sealed, true)
	f.Add([]byte{0x9f, 0, 0, 0}, true)
	f.Add(append(header, body...), true)
	f.Fuzz(func(t *testing.T, b []byte, cm bool) {
		k := k
		if cm {
			k.Profile, k.Salt = CM80, bytes.Repeat([]byte{2}, 14)
		}
		s, r := newPair(t, k)
		if plain, err := r.OpenRTP(bytes.Clone(b)); err == nil {
			n, _ := headerSize(plain)
			if again, ok := s.SealRTP(&sc, nil, &Counter{}, plain[:n], plain[n:]); !ok || !bytes.Equal(again, b) {
				t.Errorf("%x opens to %x, which seals to %x", b, plain, again)
			}
		}
		if plain, err := r.OpenRTCP(bytes.Clone(b)); err == nil && bytes.HasSuffix(b, []byte{0x80, 0, 0, 0}) {
			if again, ok := s.SealRTCP(&sc, nil, plain); !ok || !bytes.Equal(again, b) {
				t.Errorf("%x opens to %x, which seals to %x", b, plain, again)
			}
		}
		s, r = newPair(t, k)
		if n, ok := headerSize(b); ok {
			sealed, ok := s.SealRTP(&sc, nil, &Counter{}, b[:n], b[n:])
			if plain, err := r.OpenRTP(sealed); !ok || err != nil || !bytes.Equal(plain, b) {
				t.Errorf("%x opens to %x after sealing: %v", b, plain, err)
			}
		}
		if len(b) >= minRTCP {
			sealed, ok := s.SealRTCP(&sc, nil, b)
			if plain, err := r.OpenRTCP(sealed); !ok || err != nil || !bytes.Equal(plain, b) {
				t.Errorf("compound %x opens to %x after sealing: %v", b, plain, err)
			}
		}
	})
}
