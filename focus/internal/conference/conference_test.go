package conference

import (
	"context"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/focus/internal/brewery"
	"meetbox.local/focus/internal/offer"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

var (
	room = jid.MustParse("demo@muc.x")
	self = jid.MustParse("demo@muc.x/focus")
	jvb  = jid.MustParse("brewery@internal.x/b1")
)

// stage is a focus whose signaling, room, bridge and clients are the test, in
// the fake time of a synctest bubble.
type stage struct {
	t *testing.T
	f *Focus
	b *brewery.Brewery

	mu     sync.Mutex
	log    []string // what the focus sent, in few words
	bridge func(colibri2.Modify) (any, error)
	silent bool // the room does not let the focus in
	client func(jingle.Jingle) error
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, bridge: allocates, client: func(jingle.Jingle) error { return nil }}
	log, set := slog.New(slog.NewTextHandler(t.Output(), nil)), metrics.NewSet()
	s.f = New(s, dir, log, set)
	b, err := brewery.New(jvb.Bare(), s, brewery.Events{Lost: s.f.BridgeLost, Back: s.f.BridgeBack, Up: s.f.BridgeUp}, log, set)
	if err != nil {
		t.Fatal(err)
	}
	s.f.Use(b)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.f.Run(ctx); close(done) }()
	synctest.Wait()
	t.Cleanup(func() {
		cancel()
		<-done
		dir.Close()
	})
	s.f.Online()
	s.b = b
	s.bridgeUp()
	return s
}

func (s *stage) bridgeUp() {
	s.b.Presence(s.presence(jvb, "", jitsimeet.Stats{Stats: []jitsimeet.Stat{{Name: "drain", Value: "false"}}}))
}

func (s *stage) bridgeDown() { s.b.Presence(s.presence(jvb, "unavailable")) }

// allocates is a bridge that does what it is told.
func allocates(m colibri2.Modify) (any, error) {
	var a colibri2.Modified
	for _, e := range m.Endpoints {
		r := colibri2.Endpoint{ID: e.ID}
		if e.Create {
			r.Transport = &colibri2.Transport{ICE: &jingle.Transport{Ufrag: "u", Pwd: "p"}}
		}
		a.Endpoints = append(a.Endpoints, r)
	}
	return a, nil
}

func (s *stage) JID() jid.JID { return jid.MustParse("focus@auth.x/focus") }

func (s *stage) Send(v any) error {
	p, ok := v.(stanza.Presence)
	if !ok {
		s.t.Errorf("sent %T", v)
		return nil
	}
	if p.To != self {
		return nil
	}
	what := strings.TrimSpace("presence " + p.Type)
	if x, err := stanza.Child[jitsimeet.BridgeNotAvailable](p.Children); err == nil && x != nil {
		what += " no bridge"
	}
	s.note(what)
	s.mu.Lock()
	silent := s.silent
	s.mu.Unlock()
	if x, err := stanza.Child[muc.Join](p.Children); err == nil && x != nil && !silent {
		s.f.Presence(s.presence(self, "", muc.User{
			Items:    []muc.Item{{Affiliation: muc.Owner, Role: muc.Moderator, JID: s.JID()}},
			Statuses: []muc.Status{{Code: muc.StatusSelf}},
		}))
	}
	return nil
}

func (s *stage) Ask(to jid.JID, _ string, payload any, done func(stanza.IQ, error)) {
	var answer any
	var err error
	switch v := payload.(type) {
	case colibri2.Modify:
		what := "modify"
		if v.Expire {
			what = "expire conference"
		}
		for _, e := range v.Endpoints {
			switch {
			case e.Create:
				what += " +" + e.ID
			case e.Expire:
				what += " -" + e.ID
			default:
				what += " " + e.ID
			}
		}
		s.note(what)
		s.mu.Lock()
		bridge := s.bridge
		s.mu.Unlock()
		answer, err = bridge(v)
	case jingle.Jingle:
		text := ""
		if v.Reason != nil {
			text = " " + v.Reason.Text
		}
		s.note(string(v.Action) + " " + to.Resource() + text)
		s.mu.Lock()
		client := s.client
		s.mu.Unlock()
		err = client(v)
	case muc.AdminQuery:
		s.note("owner " + v.Items[0].JID.String())
	default:
		err = stanza.NewError(stanza.ServiceUnavailable, "")
	}
	q := stanza.IQ{From: to, Type: stanza.Result}
	if err == nil && answer != nil {
		q.Children, err = stanza.Encode(answer)
	}
	done(q, err)
}

func (s *stage) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

// did returns what the focus sent since the last call, once it is quiet.
func (s *stage) did() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(s.log, "; ")
	s.log = nil
	return out
}

func (s *stage) want(what string) {
	s.t.Helper()
	if got := s.did(); got != what {
		s.t.Errorf("the focus sent\n\t%s\nwant\n\t%s", got, what)
	}
}

func (s *stage) presence(from jid.JID, typ string, children ...any) stanza.Presence {
	list, err := stanza.Encode(children...)
	if err != nil {
		s.t.Fatal(err)
	}
	return stanza.Presence{From: from, Type: typ, Children: list}
}

func (s *stage) join(nick string) {
	s.f.Presence(s.presence(jid.MustParse(room.String()+"/"+nick), "", muc.User{
		Items: []muc.Item{{Affiliation: muc.NoAffiliation, Role: muc.Participant, JID: jid.MustParse(nick + "@x/r")}},
	}))
}

func (s *stage) leave(nick string) {
	s.f.Presence(s.presence(jid.MustParse(room.String()+"/"+nick), stanza.Unavailable))
}

// begin asks for the conference and returns how it was answered until now.
func (s *stage) begin() func() string {
	answer := make(chan bool, 1)
	s.f.Request(room, nil, func(ok bool) { answer <- ok })
	synctest.Wait()
	return func() string {
		synctest.Wait()
		select {
		case ok := <-answer:
			return fmt.Sprint(ok)
		default:
			return ""
		}
	}
}

func TestTimers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *stage){
		"nobody comes": func(t *testing.T, s *stage) {
			if got := s.begin()(); got != "true" {
				t.Errorf("answered %q", got)
			}
			s.want("presence")
			time.Sleep(initialTimeout - time.Second)
			s.want("")
			time.Sleep(2 * time.Second)
			s.want("presence unavailable")
		},
		"the room is closed": func(t *testing.T, s *stage) {
			s.silent = true
			answer := s.begin()
			s.f.Presence(stanza.Presence{From: self, Type: stanza.Failed, Error: stanza.NewError(stanza.Conflict, "")})
			time.Sleep(joinTimeout - time.Second)
			s.want("presence; presence")
			if got := answer(); got != "" {
				t.Errorf("answered %q", got)
			}
			time.Sleep(2 * time.Second)
			if got := answer(); got != "false" {
				t.Errorf("answered %q", got)
			}
		},
		"one is left": func(t *testing.T, s *stage) {
			s.begin()
			s.join("ann")
			s.want("presence; owner ann@x")
			s.join("bob")
			s.want("owner ann@x; presence; modify +ann; modify +bob; session-initiate ann; session-initiate bob")
			s.leave("bob")
			s.want("modify -bob; owner ann@x")
			time.Sleep(singleTimeout - time.Second)
			s.want("")
			s.join("bob")
			s.want("owner ann@x; modify +bob; session-initiate bob")
			s.leave("bob")
			s.want("modify -bob; owner ann@x")
			time.Sleep(singleTimeout + time.Second)
			s.want("session-terminate ann Idle session timeout; expire conference; presence; owner ann@x")
			s.join("bob")
			s.want("owner ann@x; presence; modify +ann; modify +bob; session-initiate ann; session-initiate bob")
			s.leave("ann")
			s.leave("bob")
			if got := s.did(); !strings.HasSuffix(got, "expire conference; presence; presence unavailable") {
				t.Errorf("at the end: %s", got)
			}
		},
		"the bridge restarts": func(t *testing.T, s *stage) {
			s.begin()
			s.join("ann")
			s.join("bob")
			s.did()
			s.bridgeDown()
			time.Sleep(missingGrace - time.Second) // the apps would load their page again
			s.want("owner ann@x")
			s.bridgeUp()
			s.want("owner ann@x; presence; modify +ann; modify +bob; session-terminate ann moving; session-initiate ann; session-terminate bob moving; session-initiate bob")
			time.Sleep(missingGrace)
			s.want("owner ann@x")
		},
		"the bridge is gone": func(t *testing.T, s *stage) {
			s.begin()
			s.join("ann")
			s.join("bob")
			s.did()
			s.bridgeDown()
			time.Sleep(missingGrace + time.Second/2)
			s.want("owner ann@x; presence no bridge")
			s.bridgeUp()
			s.want("owner ann@x; presence; presence; modify +ann; modify +bob; session-terminate ann moving; session-initiate ann; session-terminate bob moving; session-initiate bob")
		},
		"somebody is away while the focus is": func(t *testing.T, s *stage) {
			s.begin()
			s.join("ann")
			s.join("bob")
			s.did()
			c := s.f.find(room)
			c.box.post(func() {
				for _, m := range c.members {
					m.session.phase = active
				}
			})
			s.f.Offline()
			time.Sleep(time.Minute) // nothing is concluded from silence
			s.want("")
			s.f.Online()
			s.join("ann")
			s.want("presence; modify ann; modify bob; owner ann@x") // the sessions are looked at, not replaced
			time.Sleep(absenceGrace - time.Second)
			s.want("")
			time.Sleep(2 * time.Second)
			s.want("modify -bob; owner ann@x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, newStage(t)) })
		})
	}
}

func TestAllocationFails(t *testing.T) {
	t.Parallel()
	refuses := func(err error) func(colibri2.Modify) (any, error) {
		return func(m colibri2.Modify) (any, error) {
			if len(m.Endpoints) == 1 && m.Endpoints[0].Create && m.Endpoints[0].ID == "bob" {
				return nil, err
			}
			return allocates(m)
		}
	}
	count := func(log, what string) int { return strings.Count(log, what) }
	for _, tc := range []struct {
		name   string
		err    error
		during time.Duration
		check  func(log string) bool
	}{
		{"bad request costs only its cause", stanza.NewError(stanza.BadRequest, ""), time.Minute, func(log string) bool {
			return count(log, "+bob") == 1 && count(log, "+ann") == 1 && count(log, "session-initiate ann") == 1
		}},
		{"an old endpoint is expired", stanza.NewError(stanza.Conflict, ""), time.Second, func(log string) bool {
			return count(log, "-bob") >= 1 && count(log, "+bob") >= 2 && count(log, "+ann") == 1
		}},
		{"repetition slows down", stanza.NewError(stanza.Conflict, ""), 2 * time.Minute, func(log string) bool {
			n := count(log, "+bob")
			return n > 5 && n < 30
		}},
		{"silence moves everybody", client.ErrTimeout, time.Second, func(log string) bool {
			return count(log, "+bob") >= 1 && strings.Contains(log, "presence")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.bridge = refuses(tc.err)
				s.begin()
				s.join("ann")
				s.join("bob")
				time.Sleep(tc.during)
				if log := s.did(); !tc.check(log) {
					t.Errorf("the focus sent %s", log)
				}
			})
		})
	}
}

// A client that refuses its session is left alone; the bridge hears of it.
func TestClientRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.client = func(j jingle.Jingle) error {
			if strings.Contains(fmt.Sprint(j.Action), "initiate") {
				return stanza.NewError(stanza.ServiceUnavailable, "")
			}
			return nil
		}
		s.begin()
		s.join("ann")
		s.join("bob")
		time.Sleep(time.Minute)
		log := s.did()
		if strings.Count(log, "session-initiate") != 2 || !strings.Contains(log, "expire conference") {
			t.Errorf("the focus sent %s", log)
		}
	})
}

func TestMayRestart(t *testing.T) {
	t.Parallel()
	var times []time.Time
	now := time.Unix(0, 0)
	for i, tc := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true}, {4 * time.Second, false}, {2 * time.Second, true}, {6 * time.Second, true}, {6 * time.Second, true},
		{6 * time.Second, true}, {6 * time.Second, false}, {time.Minute, true},
	} {
		now = now.Add(tc.after)
		if got := mayRestart(&times, now); got != tc.want {
			t.Errorf("request %d: %v, want %v", i, got, tc.want)
		}
	}
}

// Whatever a client says in Jingle, the conference answers and lives.
func FuzzJingle(f *testing.F) {
	f.Add(`<jingle xmlns="urn:xmpp:jingle:1" action="session-accept" sid="s"><content name="video"><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1"/></content></jingle>`)
	f.Add(`<jingle xmlns="urn:xmpp:jingle:1" action="session-terminate" sid="s"><bridge-session xmlns="http://jitsi.org/protocol/focus" restart="true"/></jingle>`)
	f.Fuzz(func(t *testing.T, s string) {
		var j jingle.Jingle
		if xml.Unmarshal([]byte(s), &j) != nil {
			return
		}
		transportOf(j)
		c := newConference(&Focus{log: slog.New(slog.DiscardHandler)}, room, self)
		c.f.count = newCounters(metrics.NewSet())
		c.state = ready
		features := offer.Unknown()
		for _, nick := range []string{"ann", "bob"} {
			c.members[nick] = &member{nick: nick, present: true, features: &features, done: true, session: &session{sid: "s", phase: offered}}
		}
		r := &client.Request{IQ: stanza.IQ{From: jid.MustParse("demo@muc.x/ann"), Type: stanza.Set}}
		if err := xml.Unmarshal([]byte(`<iq xmlns="jabber:client">`+s+`</iq>`), &r.IQ); err != nil {
			return
		}
		r.IQ.From, r.IQ.Type = jid.MustParse("demo@muc.x/ann"), stanza.Set
		c.iq(r)
		if len(c.out) == 0 {
			t.Errorf("no answer to %s", s)
		}
	})
}

func TestRegion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ members, want string }{
		{"", ""}, {"eu", "eu"}, {"us eu", "us"}, {"us eu eu", "eu"}, {"- - eu", "eu"}, {"us eu eu us", "us"},
	} {
		c := newConference(&Focus{log: slog.New(slog.DiscardHandler)}, room, self)
		for i, region := range strings.Fields(tc.members) {
			nick := fmt.Sprint(i)
			c.members[nick] = &member{nick: nick, order: i, present: true, region: strings.Trim(region, "-")}
		}
		if got := c.region(); got != tc.want {
			t.Errorf("region of %q is %q, want %q", tc.members, got, tc.want)
		}
	}
}
