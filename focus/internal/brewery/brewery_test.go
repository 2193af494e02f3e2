package brewery

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

var (
	room = jid.MustParse("brewery@internal.x")
	one  = jid.MustParse("brewery@internal.x/one")
)

// stage is a brewery whose room and bridges are the test.
type stage struct {
	t *testing.T
	b *Brewery

	mu     sync.Mutex
	health error
	events []string
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t}
	note := func(what string) func(jid.JID) {
		return func(j jid.JID) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, what+" "+j.Resource())
		}
	}
	var err error
	s.b, err = New(room, s, Events{Lost: note("lost"), Back: note("back"), Up: note("up")}, slog.New(slog.DiscardHandler), metrics.NewSet())
	if err != nil {
		t.Fatal(err)
	}
	go s.b.Run(t.Context())
	return s
}

func (s *stage) Send(any) error { return nil }

func (s *stage) Ask(_ jid.JID, _ string, _ any, done func(stanza.IQ, error)) {
	s.mu.Lock()
	err := s.health
	s.mu.Unlock()
	done(stanza.IQ{}, err)
}

func (s *stage) answer(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health = err
}

// seen is a bridge's presence.
func (s *stage) seen(j jid.JID, pairs ...string) {
	var v jitsimeet.Stats
	for i := 0; i < len(pairs); i += 2 {
		v.Stats = append(v.Stats, jitsimeet.Stat{Name: pairs[i], Value: pairs[i+1]})
	}
	children, err := stanza.Encode(v)
	if err != nil {
		s.t.Fatal(err)
	}
	s.b.Presence(stanza.Presence{From: j, Children: children})
}

func (s *stage) entered() {
	s.b.Presence(stanza.Presence{From: jid.MustParse(room.String() + "/focus")})
}

func (s *stage) want(events string, pick bool) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	got := strings.Join(s.events, "; ")
	s.events = nil
	s.mu.Unlock()
	if got != events {
		s.t.Errorf("events %q, want %q", got, events)
	}
	if _, ok := s.b.Pick(""); ok != pick {
		s.t.Errorf("Pick = %v, want %v", ok, pick)
	}
}

func TestBridges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *stage){
		"come and go": func(_ *testing.T, s *stage) {
			s.b.Presence(stanza.Presence{From: one}) // no statistics: no bridge yet
			s.want("", false)
			s.seen(one, "drain", "false")
			s.want("up one", true)
			s.seen(one, "stress_level", "0.5")
			s.want("", true)
			s.b.Presence(stanza.Presence{From: one, Type: stanza.Unavailable})
			s.want("lost one", false)
			s.b.Presence(stanza.Presence{From: one, Type: stanza.Unavailable})
			s.want("", false)
		},
		"call themselves ill": func(_ *testing.T, s *stage) {
			s.seen(one, "drain", "false")
			s.seen(one, "healthy", "false")
			s.want("up one; lost one", false)
			s.seen(one, "healthy", "true")
			s.want("up one", true)
		},
		"fail their check": func(_ *testing.T, s *stage) {
			s.seen(one, "drain", "false")
			s.answer(stanza.NewError(stanza.InternalServerError, ""))
			time.Sleep(checkEvery + time.Second)
			s.want("up one; lost one", false)
			s.answer(nil)
			time.Sleep(failureReset + checkEvery)
			s.want("up one", true)
		},
		"are silent": func(_ *testing.T, s *stage) {
			s.seen(one, "drain", "false")
			s.answer(client.ErrTimeout)
			time.Sleep(checkEvery - time.Second)
			s.seen(one)
			time.Sleep(2 * time.Second)
			s.want("up one", true) // once is not enough
			time.Sleep(retryCheck)
			s.want("", false) // nothing new for it; what is there stays
		},
		"are missed only after the focus was back": func(_ *testing.T, s *stage) {
			s.seen(one, "drain", "false")
			two := jid.MustParse("brewery@internal.x/two")
			s.seen(two, "drain", "false")
			s.b.Offline()
			time.Sleep(time.Minute)
			s.want("up one; up two", false)
			if s.b.Present(one) {
				t.Error("a bridge is present while nobody can know")
			}
			if err := s.b.Join(); err != nil {
				t.Error(err)
			}
			s.seen(two, "drain", "false")
			s.entered()
			s.want("back two", true)
			time.Sleep(returnGrace + time.Second)
			s.want("lost one", true)
		},
		"are expected by an earlier process's conferences": func(_ *testing.T, s *stage) {
			s.b.Expect(one)
			s.want("", false)
			s.entered()
			time.Sleep(returnGrace / 2)
			s.seen(one, "drain", "false")
			time.Sleep(returnGrace)
			s.want("back one", true)
		},
		"refuse": func(_ *testing.T, s *stage) {
			s.seen(one, "drain", "false")
			s.b.Failed(one, client.ErrTimeout)
			s.want("up one", false)
			time.Sleep(failureReset + checkEvery)
			s.want("up one", true)
			s.b.Graceful(one)
			s.b.Added(one)
			if b, ok := s.b.Pick(""); ok {
				t.Errorf("Pick = %+v", b)
			}
			if l := s.b.List(); len(l) != 1 || !l[0].Graceful || l[0].Recent != 1 {
				t.Errorf("List = %+v", l)
			}
		},
		"hang while another does not": func(_ *testing.T, s *stage) {
			two := jid.MustParse("brewery@internal.x/two")
			s.seen(one, "drain", "false")
			s.want("up one", true)
			s.answer(client.ErrTimeout)
			go func() { // two goes on to speak, and answers
				for range 20 {
					s.seen(two, "drain", "false")
					s.b.checked(two, nil)
					time.Sleep(time.Second)
				}
			}()
			time.Sleep(freshFor + hungAfter + 2*lookEvery)
			s.want("up two; lost one", true)
			if b, ok := s.b.Pick(""); !ok || b.JID != two {
				t.Errorf("Pick = %+v, %v", b, ok)
			}
			s.answer(nil)
			time.Sleep(time.Minute)
			s.seen(one)
			s.want("up one", true)
		},
		"hang until there is another": func(_ *testing.T, s *stage) {
			s.seen(one, "drain", "false")
			s.answer(client.ErrTimeout)
			time.Sleep(time.Minute)
			s.want("up one", false)
			s.answer(nil)
			s.seen(jid.MustParse("brewery@internal.x/two"), "drain", "false")
			s.answer(client.ErrTimeout)
			time.Sleep(2 * lookEvery)
			s.want("up two; lost one", true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, newStage(t)) })
		})
	}
}
