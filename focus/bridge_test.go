package main

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	mucx "meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// bridge is a bridge without media: it answers Colibri2 as the contract says
// and remembers what it was asked.
type bridge struct {
	t    *testing.T
	id   string
	stop func()

	mu          sync.Mutex
	changed     chan struct{}
	conferences map[string]map[string]*colibri2.Endpoint
	requests    []colibri2.Modify
	refuse      *stanza.Error // what every request is answered with, if set
	restarts    int           // of ICE that it grants, then it refuses
	generation  int
}

func (w *world) bridge(id string) *bridge {
	w.t.Helper()
	b := &bridge{t: w.t, id: id, changed: make(chan struct{}), conferences: make(map[string]map[string]*colibri2.Endpoint)}
	self := jid.MustParse(breweryRoom + "/" + id)
	entered := make(chan struct{}, 8)
	var c *client.Client
	c = client.New(w.login("jvb", id), client.Handler{
		Session: func(ctx context.Context) {
			children, err := stanza.Encode(mucx.Join{}, jitsimeet.Stats{Stats: []jitsimeet.Stat{
				{Name: "drain", Value: "false"}, {Name: "stress_level", Value: "0.1"}, {Name: "healthy", Value: "true"}, {Name: "region", Value: "eu"},
			}})
			if err != nil {
				w.t.Error(err)
			}
			// Until the focus has made the room, it does not exist.
			for ctx.Err() == nil {
				if err := c.Send(stanza.Presence{To: self, Children: children}); err != nil {
					return
				}
				select {
				case <-entered:
					return
				case <-time.After(200 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		},
		Presence: func(p stanza.Presence) {
			if p.From == self && p.Type == "" {
				entered <- struct{}{}
			}
		},
		IQ: client.InOrder(context.Background(), b.iq),
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	b.stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(b.stop)
	return b
}

func (b *bridge) iq(_ context.Context, q stanza.IQ) (any, error) {
	p := q.Payload()
	if p.Is(jitsimeet.NSHealth, "healthcheck") {
		return nil, nil
	}
	var m colibri2.Modify
	if err := p.Decode(&m); err != nil {
		return nil, stanza.NewError(stanza.ServiceUnavailable, "")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, m)
	close(b.changed)
	b.changed = make(chan struct{})
	if b.refuse != nil {
		return nil, b.refuse
	}
	conference, ok := b.conferences[m.MeetingID]
	switch {
	case m.Create && ok:
		return nil, colibriError(stanza.Conflict, colibri2.ConferenceAlreadyExists)
	case !m.Create && !ok:
		return nil, colibriError(stanza.ItemNotFound, colibri2.ConferenceNotFound)
	case m.Create:
		conference = make(map[string]*colibri2.Endpoint)
		b.conferences[m.MeetingID] = conference
	}
	var answer colibri2.Modified
	for _, e := range m.Endpoints {
		a, err := b.endpoint(conference, e, &answer)
		if err != nil {
			return nil, err
		}
		answer.Endpoints = append(answer.Endpoints, a)
	}
	if m.Expire || len(conference) == 0 {
		delete(b.conferences, m.MeetingID)
	}
	return answer, nil
}

func (b *bridge) endpoint(conference map[string]*colibri2.Endpoint, e colibri2.Endpoint, answer *colibri2.Modified) (colibri2.Endpoint, error) {
	a := colibri2.Endpoint{ID: e.ID, Expire: e.Expire}
	known := conference[e.ID]
	switch {
	case e.Expire:
		delete(conference, e.ID)
	case e.Create && known != nil:
		return a, stanza.NewError(stanza.Conflict, "endpoint exists")
	case !e.Create && known == nil:
		return a, colibriError(stanza.ItemNotFound, colibri2.UnknownEndpoint)
	case e.Create:
		conference[e.ID] = &e
		a.Transport = &colibri2.Transport{
			ICE: &jingle.Transport{
				Ufrag: b.id + e.ID, Pwd: "pwd", Fingerprints: []jingle.Fingerprint{{Hash: "sha-256", Setup: "actpass", Value: "AA"}},
				Candidates: []jingle.Candidate{{Foundation: "1", Component: "1", Protocol: "udp", Priority: 1, IP: "192.0.2.1", Port: 10000, Type: "host"}},
				WebSockets: []jitsimeet.WebSocket{{URL: "wss://" + b.id}},
			},
		}
		if e.Transport.SCTP != nil {
			a.Transport.SCTP = &colibri2.SCTP{Port: 5000, Role: "server"}
		}
		answer.Sources = &colibri2.Sources{Sources: []colibri2.MediaSource{
			{Type: "audio", ID: "jvb-a0", Sources: []jingle.Source{{SSRC: 900000002, Name: "jvb-a0"}}},
			{Type: "video", ID: "jvb-v0", Sources: []jingle.Source{{SSRC: 900000001, Name: "jvb-v0"}}},
		}}
	default:
		if e.Sources != nil {
			known.Sources = e.Sources
		}
		switch {
		case e.Transport == nil:
		case e.Transport.ICERestart:
			b.generation++
			if b.generation <= b.restarts {
				a.Transport = &colibri2.Transport{ICE: &jingle.Transport{
					Ufrag: "again" + e.ID, Pwd: "pwd", ICEGeneration: strconv.Itoa(b.generation), RTCPMux: &jingle.TransportMux{},
				}}
			}
		default:
			known.Transport = e.Transport
		}
		if e.ForceMute != nil {
			known.ForceMute = e.ForceMute
		}
		if e.InitialLastN != nil {
			known.InitialLastN = e.InitialLastN
		}
	}
	return a, nil
}

func colibriError(c stanza.Condition, reason string) *stanza.Error {
	e := stanza.NewError(c, "")
	var err error
	if e.Specific, err = stanza.Encode(colibri2.Error{Reason: reason}); err != nil {
		panic(err)
	}
	return e
}

// await returns once the test is content with the bridge's state.
func (b *bridge) await(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		b.mu.Lock()
		fine, changed := ok(), b.changed
		b.mu.Unlock()
		if fine {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			b.mu.Lock()
			defer b.mu.Unlock()
			b.t.Fatalf("bridge %s: %s did not come; it was asked %+v", b.id, what, b.requests)
		}
	}
}

// endpoints are those of all conferences, by id.
func (b *bridge) endpoints() map[string]*colibri2.Endpoint {
	out := make(map[string]*colibri2.Endpoint)
	for _, c := range b.conferences {
		maps.Copy(out, c)
	}
	return out
}

// names are an endpoint's sources.
func names(e *colibri2.Endpoint) []string {
	var out []string
	if e != nil && e.Sources != nil {
		for _, s := range e.Sources.Sources {
			out = append(out, s.ID)
		}
	}
	return out
}
