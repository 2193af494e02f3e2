package transport

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// What comes faster than anybody means it is dropped, however fast it is read.
func TestInboxRate(t *testing.T) {
	t.Parallel()
	q := newInbox(10, 50)
	b := make([]byte, 100)
	for window := range int64(3) {
		now, taken := window*inboxWindow, 0
		for range 1000 {
			if !q.push([]byte("x"), netip.AddrPort{}, now) {
				continue
			}
			taken++
			if _, _, err := q.pop(b); err != nil {
				t.Fatal(err)
			}
		}
		if taken != 50 {
			t.Errorf("window %d: %d are taken, want 50", window, taken)
		}
	}
	q = newInbox(10, 0)
	for i := range 20 {
		if got := q.push([]byte("x"), netip.AddrPort{}, 0); got != (i < 10) {
			t.Errorf("the %dth finds room: %v", i, got)
		}
	}
}

// A client that sends DTLS records without end from an address of its own is
// cut short, and goes on to be served.
func TestFloodOfRecords(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r := newRecorder()
	s, c := join(t, p, r, clientOptions{channel: true})
	r.wantState(t, Connected)
	r.wantState(t, ChannelOpen)
	next(t, "client's channel opens", c.opened)
	record := append([]byte{23, 254, 253, 0, 1, 0, 0, 0, 0, 255, 255, 0, 47}, make([]byte, 47)...)
	var from *binding
	eventually(t, "there is a way", func() bool { from = s.path.Load(); return from != nil })
	out := newBatch(p.gauges, 0)
	reader := reader{port: p, local: from.local, out: out}
	for range 20 * dtlsRate {
		reader.handle(bytes.Clone(record), from.remote, Now())
	}
	out.Flush()
	if p.dropped(dropDTLSFlood) == 0 {
		t.Error("all of them are taken")
	}
	for range 10 {
		if err := s.SendMessage([]byte("still here")); err != nil {
			t.Fatal(err)
		}
	}
	next(t, "text", c.texts)
	if err := c.channel.SendText("me too"); err != nil {
		t.Fatal(err)
	}
	if got := next(t, "message", r.messages); got != "me too" {
		t.Errorf("message %q", got)
	}
}

// What waits for a client is bounded by its bytes, too.
func TestWaitingMessages(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	s := &Session{port: p, messages: make(chan []byte, messageQueue)}
	s.open.Store(true)
	for round := range 3 {
		long := make([]byte, maxMessage)
		for i := range messageBytes / maxMessage {
			if err := s.SendMessage(long); err != nil {
				t.Fatalf("round %d: the %dth: %v", round, i, err)
			}
		}
		if err := s.SendMessage(long); !errors.Is(err, ErrQueueFull) {
			t.Errorf("round %d: one more: %v, want %v", round, err, ErrQueueFull)
		}
		s.discardMessages()
	}
	for range messageQueue {
		if err := s.SendMessage([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SendMessage([]byte("x")); !errors.Is(err, ErrQueueFull) {
		t.Errorf("one more: %v, want %v", err, ErrQueueFull)
	}
	s.discardMessages()
	if n := s.waiting.Load(); n != 0 {
		t.Errorf("%d bytes wait for nobody", n)
	}
}

// A client of the TURN server is not answered without end; what it has relayed
// is not concerned.
func TestFloodOfAllocations(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r := p.Relayed().(*relayed)
	defer r.Close()
	allocate := stun.MustBuild(stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.TransactionID).Raw
	send := stun.MustBuild(stun.NewType(stun.MethodSend, stun.ClassIndication), stun.TransactionID).Raw
	channel := append([]byte{0x40, 0, 0, 8}, "12345678"...)
	from := addressOf(netip.MustParseAddrPort("192.0.2.1:9"))
	b := make([]byte, 1500)
	for second := range int64(3) {
		now, taken := second*int64(time.Second), 0
		for range 10 * maxAsked {
			why, ok := p.handleRelayed(p.locals[0], allocate, from, now)
			if ok {
				taken++
				if _, _, err := r.ReadFrom(b); err != nil {
					t.Fatal(err)
				}
			} else if why != dropTURNFlood {
				t.Fatalf("dropped as %s", reasonNames[why])
			}
			for _, data := range [][]byte{send, channel} {
				if why, ok := p.handleRelayed(p.locals[0], data, from, now); !ok {
					t.Fatalf("%x dropped as %s", data, reasonNames[why])
				}
				if n, _, err := r.ReadFrom(b); err != nil || !bytes.Equal(b[:n], data) {
					t.Fatalf("%x, %v", b[:n], err)
				}
			}
		}
		if taken != maxAsked {
			t.Errorf("second %d: %d requests are answered, want %d", second, taken, maxAsked)
		}
	}
}
