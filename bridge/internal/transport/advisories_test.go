package transport

import (
	"context"
	"encoding/hex"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// leastVersions are those with all known advisories mended.
var leastVersions = map[string][3]int{
	"github.com/pion/dtls/v3":      {3, 1, 4},  // CVE-2026-54908, CVE-2026-26014 (3.1.2), GHSA-cm8f-h6j3-p25c, GHSA-4xgv-j62q-h3rj
	"github.com/pion/stun/v4":      {4, 0, 0},  // GHSA-34rh-wp3j-6cxc, mended in 3.1.5 and so in all of 4
	"github.com/pion/ice/v4":       {4, 2, 0},  // the integrity of checks
	"github.com/pion/interceptor":  {0, 1, 39}, // GHSA-f26w-gh5m-qq77; tests only
	"github.com/pion/webrtc/v4":    {4, 0, 0},  // CVE-2021-28681, mended in 3.0.15; tests and the self-call
	"github.com/pion/sctp":         {1, 8, 39},
	"github.com/pion/srtp/v3":      {3, 0, 4},
	"github.com/pion/datachannel":  {1, 5, 10},
	"github.com/pion/transport/v5": {5, 0, 0},
}

func TestAdvisoryVersions(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^\s*(github\.com/pion/\S+) v(\d+)\.(\d+)\.(\d+)`).FindAllSubmatch(mod, -1) {
		least, ok := leastVersions[string(m[1])]
		if !ok {
			continue
		}
		found++
		var have [3]int
		for i := range have {
			have[i], _ = strconv.Atoi(string(m[2+i])) // digits
		}
		for i := range have {
			if have[i] != least[i] {
				if have[i] < least[i] {
					t.Errorf("%s is %v, and less than %v has known holes", m[1], have, least)
				}
				break
			}
		}
	}
	if found != len(leastVersions) {
		t.Errorf("%d of %d modules are in go.mod", found, len(leastVersions))
	}
}

// GHSA-34rh-wp3j-6cxc: an address attribute that is too short for one.
func TestAdvisoryShortMappedAddress(t *testing.T) {
	t.Parallel()
	for n := range 24 {
		m := stun.MustBuild(stun.TransactionID, stun.BindingSuccess)
		m.Add(stun.AttrXORMappedAddress, append([]byte{0, 1}, make([]byte, 24)...)[:n])
		if again := new(stun.Message); again.UnmarshalBinary(m.Raw) == nil {
			var a stun.XORMappedAddress
			_ = a.GetFrom(again) // an error or an address, and no panic
		}
		if parsed, ok := parseSTUN(m.Raw); ok && parsed.kind != bindingSuccess {
			t.Errorf("%d bytes: %+v", n, parsed)
		}
	}
}

// CVE-2026-26014: no two records may have the same nonce under one key.
func TestAdvisoryNonces(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r := newRecorder()
	s, c := join(t, p, r, clientOptions{channel: true})
	r.wantState(t, Connected)
	r.wantState(t, ChannelOpen)
	next(t, "client's channel opens", c.opened)
	// What the client's socket gets is encrypted under the bridge's key; its
	// explicit nonces are in the clear, after the header of 13 bytes.
	nonces := map[string]bool{}
	c.socket.watch(func(b []byte) {
		if len(b) > 21 && b[0] == 23 {
			n := hex.EncodeToString(b[13:21])
			if nonces[n] {
				t.Errorf("nonce %s twice", n)
			}
			nonces[n] = true
		}
	})
	for range 200 {
		if err := s.SendMessage([]byte("x")); err != nil {
			t.Fatal(err)
		}
		next(t, "text", c.texts)
	}
	c.socket.watch(nil)
	if len(nonces) < 200 {
		t.Errorf("%d nonces seen", len(nonces))
	}
}

// CVE-2026-54908, GHSA-cm8f-h6j3-p25c, GHSA-4xgv-j62q-h3rj: whatever records an
// address sends that has answered a check, the handshake fails or waits, and
// nothing else.
func FuzzDTLS(f *testing.F) {
	hello, err := hex.DecodeString("16fefd000000000000000000360100002a000000000000002afefd" + "00000000000000000000000000000000000000000000000000000000000000000000000002c02b0100")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hello)
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})                // a fragment of no length
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 254, 253, 255}) // hello-verify
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 12, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0})         // a short key exchange
	f.Add([]byte{20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1})
	f.Add([]byte{23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0})
	p, err := Open(Config{Addresses: []netip.Addr{loopback}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(p.Close)
	cert, err := newCertificate(time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, client := range []bool{false, true} {
			s := &Session{port: p, cert: cert, dtlsIn: newInbox(dtlsQueue, dtlsRate)}
			conn, err := s.dtlsConn(&dtlsPort{s}, client)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			// Records may come one or several in a datagram.
			s.dtlsIn.push(b, netip.AddrPort{}, 0)
			if len(b) > 30 {
				s.dtlsIn.push(b[:len(b)/2], netip.AddrPort{}, 0)
				s.dtlsIn.push(b[len(b)/2:], netip.AddrPort{}, 0)
			}
			err = conn.HandshakeContext(ctx)
			cancel()
			_ = conn.Close()
			if err == nil {
				t.Fatal("hands are shaken with nobody")
			}
		}
	})
}
