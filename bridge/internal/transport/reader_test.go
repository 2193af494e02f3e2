package transport

import (
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// newReading is a socket's buffers, and a client that sends to them.
func newReading(t *testing.T) (*incoming, *net.UDPConn) {
	t.Helper()
	l, err := listen(netip.AddrPortFrom(loopback, 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	client, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(l.addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return newIncoming(l.sockets[0]), client
}

// A look for more takes what is there and never what is not, and the wait
// after it still hears of what comes later.
func TestLookForMore(t *testing.T) {
	in, client := newReading(t)
	from := addressOf(client.LocalAddr().(*net.UDPAddr).AddrPort())
	next, want := byte(0), byte(0)
	send := func(n int) {
		t.Helper()
		for range n {
			if _, err := client.Write([]byte{next}); err != nil {
				t.Fatal(err)
			}
			next++
		}
	}
	check := func(n int) {
		t.Helper()
		for i := range n {
			if m := in.message(i); len(m.bytes) != 1 || m.bytes[0] != want || m.from != from {
				t.Fatalf("%+v, want %d from %v", m, want, from)
			}
			want++
		}
	}
	for range 3 {
		// Over the loopback interface all are there when the last call returns.
		send(readBatch + 3)
		n, err := in.read()
		if err != nil {
			t.Fatal(err)
		}
		check(n)
		if runtime.GOOS == "linux" && n != readBatch {
			t.Errorf("%d datagrams in the first call", n)
		}
		for n = in.more(); n > 0; n = in.more() {
			check(n)
		}
		for want != next { // where a look takes nothing
			if n, err = in.read(); err != nil {
				t.Fatal(err)
			}
			check(n)
		}
		read := make(chan int)
		go func() {
			n, _ := in.read() // 0 when it fails
			read <- n
		}()
		send(1)
		check(<-read)
	}
	if _, n := least(100, func() { in.more() }); n != 0 {
		t.Errorf("%v allocations for a look", n)
	}
}

// Datagrams that are read together came when the kernel says.
func TestArrivals(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // the others read one at a time
	}
	t.Parallel()
	in, client := newReading(t)
	const apart = 2 * time.Millisecond
	// The kernel begins a moment after it was asked; and the control messages
	// are set up anew each time.
	good := 0
	for round := 0; good < 3; round++ {
		if round == 200 {
			t.Fatal("datagrams do not come when they were sent")
		}
		good++
		var sent [3][2]int64
		for i := range sent {
			for start := time.Now(); time.Since(start) < apart; {
				runtime.Gosched()
			}
			sent[i][0] = time.Now().UnixNano()
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			sent[i][1] = time.Now().UnixNano()
		}
		n, err := in.read()
		if err != nil || n != 3 {
			t.Fatalf("%d, %v", n, err)
		}
		for i := range n {
			if at := in.message(i).came; at < sent[i][0] || at > sent[i][1] {
				good = 0
			}
		}
	}
}
