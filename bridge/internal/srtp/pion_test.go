package srtp

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
	pion "github.com/pion/srtp/v3"
)

var profiles = map[Profile]pion.ProtectionProfile{
	GCM128: pion.ProtectionProfileAeadAes128Gcm,
	CM80:   pion.ProtectionProfileAes128CmHmacSha1_80,
}

func newKeys(p Profile) Keys {
	k := Keys{Profile: p, Key: make([]byte, KeySize), Salt: make([]byte, p.SaltSize())}
	rand.Read(k.Key)
	rand.Read(k.Salt)
	return k
}

func newPair(t testing.TB, k Keys) (*Sender, *Receiver) {
	t.Helper()
	s, err := NewSender(k)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReceiver(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// rtpPacket has a CSRC and an extension, so that the header is not just twelve bytes.
func rtpPacket(t testing.TB, ssrc uint32, seq uint16, payload int) (header, body []byte) {
	t.Helper()
	p := rtp.Packet{Header: rtp.Header{
		Version: 2, Marker: true, PayloadType: 100, SequenceNumber: seq, Timestamp: 90000, SSRC: ssrc, CSRC: []uint32{7},
	}, Payload: bytes.Repeat([]byte{byte(seq), 0xa5}, payload/2)}
	if err := p.SetExtension(5, []byte{byte(seq >> 8), byte(seq)}); err != nil {
		t.Fatal(err)
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	n := p.MarshalSize() - len(p.Payload)
	return b[:n], b[n:]
}

func rtcpPacket(ssrc byte) []byte {
	return []byte{0x80, 201, 0, 1, 0, 0, 0, ssrc, 0x81, 206, 0, 2, 0, 0, 0, ssrc, 1, 2, 3, 4}
}

func TestAgainstPion(t *testing.T) {
	t.Parallel()
	for profile, theirs := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			t.Parallel()
			k := newKeys(profile)
			sender, receiver := newPair(t, k)
			out, err := pion.CreateContext(k.Key, k.Salt, theirs)
			if err != nil {
				t.Fatal(err)
			}
			in, err := pion.CreateContext(k.Key, k.Salt, theirs)
			if err != nil {
				t.Fatal(err)
			}
			var sc Scratch
			var counters [3]Counter
			// Three rollovers with a step that does not divide 65536, reordered at times.
			for i := range 900 {
				n := i ^ 1 // swap neighbours
				ssrc, seq := uint32(i%3)+1, uint16(65000+n*307)
				header, body := rtpPacket(t, ssrc, seq, 100+i%7*2)
				plain := append(bytes.Clone(header), body...)

				sealed, ok := sender.SealRTP(&sc, nil, &counters[ssrc-1], header, body)
				if !ok {
					t.Fatalf("packet %d: not sealed", i)
				}
				got, err := in.DecryptRTP(nil, sealed, nil)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("pion opens packet %d (seq %d): %v, %s", i, seq, err, cmp.Diff(plain, got))
				}
				theirSealed, err := out.EncryptRTP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(theirSealed, sealed) {
					t.Fatalf("packet %d: ours %x, theirs %x", i, sealed, theirSealed)
				}
				got, err = receiver.OpenRTP(theirSealed)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("we open packet %d (seq %d): %v, %s", i, seq, err, cmp.Diff(plain, got))
				}
			}
			for i := range 100 {
				plain := rtcpPacket(byte(i % 3))
				sealed, ok := sender.SealRTCP(&sc, nil, plain)
				if !ok {
					t.Fatalf("compound %d: not sealed", i)
				}
				got, err := in.DecryptRTCP(nil, sealed, nil)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("pion opens compound %d: %v, %s", i, err, cmp.Diff(plain, got))
				}
				sealed, err = out.EncryptRTCP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err = receiver.OpenRTCP(sealed)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("we open compound %d: %v, %s", i, err, cmp.Diff(plain, got))
				}
			}
		})
	}
}

func BenchmarkSealAndOpen(b *testing.B) {
	for profile := range profiles {
		b.Run(fmt.Sprint(profile), func(b *testing.B) {
			s, r := newPair(b, newKeys(profile))
			var sc Scratch
			var c Counter
			header, body := rtpPacket(b, 1, 0, 1100)
			dst := make([]byte, 0, 1500)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				header[2], header[3] = byte(i>>8), byte(i)
				sealed, _ := s.SealRTP(&sc, dst, &c, header, body)
				if _, err := r.OpenRTP(sealed); err != nil {
					b.Fatal(i, err)
				}
			}
		})
	}
}
