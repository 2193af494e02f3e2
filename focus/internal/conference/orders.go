package conference

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// Errors of the orders that come by the control socket.
var (
	ErrNoConference = errors.New("there is no such conference")
	ErrNoMember     = errors.New("there is no such participant")
	ErrNoMedium     = errors.New("a medium is audio, video or desktop")
)

// byConsole is the actor of what an administrator of the box has ordered, and
// orderReason what people are told.
const (
	byConsole   = "console"
	orderReason = "An administrator of this box has decided so."
)

// media are the namespaces of orders to mute.
var media = map[string]string{"audio": jitsimeet.NSMuteAudio, "video": jitsimeet.NSMuteVideo, "desktop": jitsimeet.NSMuteScreen}

func mediumOf(space string) string {
	for name, s := range media {
		if s == space {
			return name
		}
	}
	return ""
}

// order runs on the goroutine of the conference that the path names.
func (f *Focus) order(do func(*Conference, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := ErrNoConference
		if room, perr := jid.Parse(r.PathValue("room")); perr == nil {
			if c := f.find(room); c != nil {
				err = c.call(r.Context(), func() error { return do(c, r) })
			}
		}
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, ErrNoConference), errors.Is(err, ErrNoMember):
			http.Error(w, err.Error(), http.StatusNotFound)
		default:
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

// call waits for f on the conference's goroutine.
func (c *Conference) call(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	if !c.box.post(func() { done <- f() }) {
		return ErrNoConference
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish ends the meeting for everybody.
func (c *Conference) finish() error {
	c.log.Info("meeting ended by an administrator")
	c.f.acts.add(act{Event: "meeting ended", Room: c.room.String(), Meeting: c.meeting, Actor: byConsole})
	c.ask(c.room, stanza.Set, muc.OwnerQuery{Destroy: &muc.OwnerDestroy{Reason: orderReason}}, ignore)
	return nil
}

// remove puts somebody out of the room, who may come back.
func (c *Conference) remove(endpoint string) error {
	if m := c.members[endpoint]; m == nil || !m.present {
		return ErrNoMember
	}
	c.log.Info("participant removed by an administrator", "endpoint", endpoint)
	c.f.acts.add(act{Event: "participant removed", Room: c.room.String(), Meeting: c.meeting, Endpoint: endpoint, Actor: byConsole})
	c.ask(c.room, stanza.Set, muc.AdminQuery{Items: []muc.AdminItem{{Role: muc.NoRole, Nick: endpoint, Reason: orderReason}}}, ignore)
	return nil
}

// silence mutes somebody, who may unmute.
func (c *Conference) silence(endpoint, medium string) error {
	space, ok := media[medium]
	m := c.members[endpoint]
	switch {
	case !ok:
		return ErrNoMedium
	case m == nil || !m.present:
		return ErrNoMember
	}
	to, err := c.occupant(m)
	if err != nil {
		return err
	}
	c.f.count.muted.Inc()
	c.log.Info("muting for an administrator", "endpoint", endpoint, "medium", medium)
	c.f.acts.add(act{Event: "participant muted", Room: c.room.String(), Meeting: c.meeting, Endpoint: endpoint, Actor: byConsole, Medium: medium})
	c.ask(to, stanza.Set, jitsimeet.Mute{XMLName: xml.Name{Space: space, Local: "mute"}, Value: "true"}, ignore)
	return nil
}

// maxActs is how many are kept.
const maxActs = 512

// act is something that was decided about somebody, for the administrator.
type act struct {
	Number   uint64    `json:"number"`
	At       time.Time `json:"at"`
	Event    string    `json:"event"`
	Room     string    `json:"room"`
	Meeting  string    `json:"meeting,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	Actor    string    `json:"actor,omitempty"`
	Medium   string    `json:"medium,omitempty"`
}

// acts are the last of them. It is safe for concurrent use.
type acts struct {
	mu    sync.Mutex
	count uint64
	kept  []act
}

func (a *acts) add(one act) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	one.Number, one.At = a.count, time.Now().UTC()
	if len(a.kept) == maxActs {
		a.kept = append(a.kept[:0], a.kept[maxActs/4:]...)
	}
	a.kept = append(a.kept, one)
}

// serve answers with a line of JSON for each whose number is higher than the
// query's "after".
func (a *acts) serve(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil && r.URL.Query().Has("after") {
		http.Error(w, `"after" is the number of an event`, http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	kept := append([]act(nil), a.kept...)
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	e := json.NewEncoder(w)
	for _, one := range kept {
		if one.Number > after && e.Encode(one) != nil {
			return // who asked has gone
		}
	}
}
