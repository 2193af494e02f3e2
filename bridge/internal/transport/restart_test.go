package transport

import (
	"errors"
	"testing"
	"time"
)

// While ICE is restarted the old way carries everything, and nothing that ICE
// carries notices the change.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r, s := echoing(t, p, Options{Controlling: true, SCTP: true})
	first := s.Local()
	if d, err := s.Restart(); err != nil || d.Generation != 0 || d.Ufrag != first.Ufrag {
		t.Errorf("restart of what has not started: generation %d, %v", d.Generation, err)
	}
	c := newClient(t, clientOptions{channel: true})
	if err := s.SetRemote(c.answer(t, first)); err != nil {
		t.Fatal(err)
	}
	r.wantState(t, Connected)
	r.wantState(t, ChannelOpen)
	var seq uint16 = 1
	c.talk(t, &seq, "hello")

	for n := 1; n <= 2; n++ {
		d, err := s.Restart()
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Restart()
		if err != nil || again.Ufrag != d.Ufrag {
			t.Errorf("asked again: %s, %v, want %s", again.Ufrag, err, d.Ufrag)
		}
		if d.Generation != n || d.Ufrag == first.Ufrag || d.Password == first.Password || len(d.Candidates) == 0 {
			t.Errorf("restart %d: %+v", n, d)
		}
		c.talk(t, &seq, "on the old way")
		if got := s.Local().Generation; got != n-1 {
			t.Errorf("generation %d in use before the client has answered", got)
		}
		answer := c.answer(t, d)
		for _, g := range []int{n, n + 7} { // the second was never begun
			answer.Generation = g
			if err := s.SetRemote(answer); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the new generation", func() bool { return s.Local().Generation == n })
		for len(c.packets) > 0 {
			<-c.packets
		}
		c.talk(t, &seq, "on the new way")
	}
	if err := s.SendMessage([]byte("same channel")); err != nil {
		t.Fatal(err)
	}
	next(t, "message", c.texts)
	c.socket.move(t)
	for len(c.packets) > 0 {
		<-c.packets
	}
	c.talk(t, &seq, "moved")
	eventually(t, "the end of the old generations", func() bool {
		p.mu.RLock()
		defer p.mu.RUnlock()
		return len(p.sessions) == 1
	})
	select {
	case st := <-r.states:
		t.Errorf("state %v", st)
	default:
	}
	s.Close()
	s.Wait()
	if _, err := s.Restart(); !errors.Is(err, ErrClosed) {
		t.Errorf("restart after the end: %v", err)
	}
}

// A restart that the client never answers costs nothing.
func TestRestartUnanswered(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	_, s, c := connected(t, p, clientOptions{})
	if _, err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if d := s.due(time.Now()); len(d.drop) != 0 || d.err != nil {
		t.Errorf("at once: %+v", d)
	}
	d := s.due(time.Now().Add(restartTimeout))
	if len(d.drop) != 1 || d.drop[0].number != 1 || d.err != nil {
		t.Fatalf("in the end: %+v", d)
	}
	p.hide(d.drop...)
	d.drop[0].close()
	var seq uint16 = 1
	c.talk(t, &seq, "still here")
	again, err := s.Restart()
	if err != nil || again.Generation != 2 {
		t.Errorf("restart after that: generation %d, %v", again.Generation, err)
	}
}
