package transport

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

// What is TURN's goes to the TURN server if there is one, from those who asked
// for something, and its answers come from the media port.
func TestRelayed(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.locals[0].addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(b []byte) {
		t.Helper()
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	allocate, err := stun.Build(stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.TransactionID)
	if err != nil {
		t.Fatal(err)
	}
	channel := append([]byte{0x40, 0, 0, 8}, "12345678"...)

	send(allocate.Raw)
	eventually(t, "TURN without a server is dropped", func() bool { return p.dropped(dropTURNOff) == 1 })
	r := p.Relayed()
	send(channel)
	eventually(t, "a channel of nobody is dropped", func() bool { return p.dropped(dropTURNStranger) == 1 })
	send(allocate.Raw)
	send(channel)
	b := make([]byte, 1500)
	for _, want := range [][]byte{allocate.Raw, channel} {
		n, from, err := r.ReadFrom(b)
		if err != nil || !bytes.Equal(b[:n], want) || from.String() != c.LocalAddr().String() {
			t.Fatalf("%x from %v, %v; want %x", b[:n], from, err, want)
		}
	}
	// To somebody who never came, nothing is sent.
	for _, to := range []net.Addr{&net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 9}, c.LocalAddr()} {
		if n, err := r.WriteTo([]byte("answer"), to); n != 6 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n, err := c.Read(b); err != nil || string(b[:n]) != "answer" {
		t.Errorf("answer %q, %v", b[:n], err)
	}
	r.Close()
	send(allocate.Raw)
	eventually(t, "after the server's end it is dropped", func() bool { return p.dropped(dropTURNOff) == 2 })
}

// However many strangers come, who is active is remembered.
func TestRelayedStrangers(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r := p.Relayed().(*relayed)
	defer r.Close()
	p.answers.SetLimit(1e9)
	p.answers.SetBurst(1e9)
	who := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(i))
	}
	for i := range 10 * maxRelayed {
		if _, ok := r.note(p.locals[0], who(i), i > 0, int64(i)); !ok && i > 0 {
			t.Fatalf("%d is not let in", i)
		}
		r.note(p.locals[0], who(1), false, int64(i))
	}
	if len(r.clients) != maxRelayed || r.clients[who(1)] == nil || r.clients[who(0)] != nil {
		t.Errorf("%d are remembered, the active one %v", len(r.clients), r.clients[who(1)])
	}
}
