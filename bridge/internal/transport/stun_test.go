package transport

import (
	"net"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

// Anybody may ask for its own address; nobody can make the port talk much.
func TestBindingRequestOfStranger(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.locals[0].addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked, err := stun.Build(stun.BindingRequest, stun.TransactionID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(asked.Raw); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: b[:n]}
	var x stun.XORMappedAddress
	if err := m.Decode(); err != nil || m.Type != stun.BindingSuccess || m.TransactionID != asked.TransactionID || x.GetFrom(m) != nil {
		t.Fatalf("answer %v, %v", m, err)
	}
	if want := c.LocalAddr().(*net.UDPAddr).AddrPort(); netip.AddrPortFrom(netip.MustParseAddr(x.IP.String()), uint16(x.Port)) != want {
		t.Errorf("told %v, am %v", x, want)
	}
	before := p.dropped(dropSTUNRate)
	eventually(t, "too many questions counted", func() bool {
		for range answersBurst {
			if _, err := c.Write(asked.Raw); err != nil {
				t.Fatal(err)
			}
		}
		return p.dropped(dropSTUNRate) > before
	})
}
