// Package request is the door at which clients ask for a conference: by an iq
// to the focus's address, or by HTTP before they have an XMPP connection.
//
// Both are answered once the focus is in the room. It keeps no state.
package request

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
	"meetbox.local/signaling/xmpp/tenant"
)

// maxBody is more than any token with its request needs.
const maxBody = 64 << 10

// Conferences makes sure that a room has a conference.
type Conferences interface {
	Request(room jid.JID, props map[string]string, done func(ok bool))
}

// Judge asks signaling whether somebody who has not logged in may begin a
// meeting in a room. XMPP clients are judged by it on their way here.
type Judge func(room jid.JID, done func(error))

// Door answers requests. It is an http.Handler.
type Door struct {
	conferences Conferences
	judge       Judge
	focus       jid.JID  // bare; clients recognise the focus in the room by it
	domains     []string // of the rooms; the first one is that of meetings
	log         *slog.Logger
	asked       *metrics.Counter
	refused     *metrics.Counter
	took        *metrics.Histogram
	mux         *http.ServeMux
}

// New returns a door to the rooms of some domains, of meetings first.
func New(c Conferences, judge Judge, focus jid.JID, domains []string, log *slog.Logger, set *metrics.Set) *Door {
	d := &Door{
		conferences: c, judge: judge, focus: focus, domains: domains, log: log,
		asked:   set.NewCounter("focus_conference_requests_total"),
		refused: set.NewCounter("focus_conference_requests_refused_total"),
		took:    set.NewHistogram("focus_conference_request_seconds"),
		mux:     http.NewServeMux(),
	}
	d.mux.HandleFunc("POST /conference-request/v1", d.post)
	d.mux.HandleFunc("OPTIONS /conference-request/v1", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return d
}

// room reads the address of a room of ours.
func (d *Door) room(s string) (jid.JID, error) {
	j, err := jid.Parse(s)
	switch {
	case err != nil:
		return jid.JID{}, stanza.NewError(stanza.BadRequest, "no valid room")
	case j.Local() == "" || !j.IsBare() || !slices.Contains(d.domains, j.Domain()):
		return jid.JID{}, stanza.NewError(stanza.BadRequest, "no room of this server")
	}
	return j, nil
}

// below reads the address of a room as somebody from outside writes it, which
// signaling does for XMPP clients: a tenant is part of its domain.
func (d *Door) below(s string) (jid.JID, *tenant.View, error) {
	v := tenant.Of(s, d.domains[0])
	room, err := d.room(string(v.Inward([]byte(s))))
	if name, _ := tenant.Split(room.Local()); err == nil && v == nil && name != "" {
		err = stanza.NewError(stanza.BadRequest, "no room of this server")
	}
	return room, v, err
}

// answers are the properties of every answer: what there is not, said in the
// way that clients understand.
func answers() []jitsimeet.Property {
	return []jitsimeet.Property{
		{Name: "authentication", Value: "false"},
		{Name: "externalAuth", Value: "false"},
		{Name: "sipGatewayEnabled", Value: "false"},
		{Name: "visitors-supported", Value: "false"},
		{Name: "live", Value: "true"},
	}
}

// IQ takes a request that came to the focus's own address.
func (d *Door) IQ(r *client.Request) {
	d.asked.Inc()
	p := r.Payload()
	if !p.Is(jitsimeet.NSFocus, "conference") || r.Type != stanza.Set {
		d.refused.Inc() // logout and login-url among them: there is no login here
		r.Fail(stanza.NewError(stanza.ServiceUnavailable, ""))
		return
	}
	var ask jitsimeet.Conference
	err := p.Decode(&ask)
	var room jid.JID
	if err != nil {
		err = stanza.NewError(stanza.BadRequest, "malformed request")
	} else {
		room, err = d.room(ask.Room)
	}
	if err != nil {
		d.refused.Inc()
		r.Fail(err)
		return
	}
	props := make(map[string]string, len(ask.Properties))
	for _, v := range ask.Properties {
		props[v.Name] = v.Value
	}
	d.log.Debug("conference asked for", "room", room.String(), "jid", r.From.String())
	start := time.Now()
	d.conferences.Request(room, props, func(ok bool) {
		d.took.UpdateDuration(start)
		r.Reply(jitsimeet.Conference{Room: room.String(), Ready: &ok, FocusJID: d.focus, Properties: answers()})
	})
}

// ServeHTTP implements http.Handler. Any page may ask: guests are anonymous,
// and the answer holds nothing of theirs.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	h.Set("Access-Control-Max-Age", "600")
	d.mux.ServeHTTP(w, r)
}

type httpRequest struct {
	Room       string         `json:"room"`
	MachineUID string         `json:"machineUid"`
	SessionID  string         `json:"sessionId"`
	Properties map[string]any `json:"properties"`
}

type httpAnswer struct {
	Room       string            `json:"room"`
	Ready      bool              `json:"ready"`
	FocusJID   string            `json:"focusJid"`
	Properties map[string]string `json:"properties"`
}

func (d *Door) post(w http.ResponseWriter, r *http.Request) {
	d.asked.Inc()
	var ask httpRequest
	err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&ask)
	var room jid.JID
	var view *tenant.View
	if err == nil {
		room, view, err = d.below(ask.Room)
	}
	if err != nil {
		d.refused.Inc()
		text := "malformed request"
		if e, ok := errors.AsType[*stanza.Error](err); ok {
			text = e.Text
		}
		http.Error(w, text, http.StatusBadRequest)
		return
	}
	if r.Header.Get("Authorization") == "" && !d.mayBegin(r.Context(), room) {
		d.refused.Inc()
		http.Error(w, "log in to begin this meeting, or wait for who does", http.StatusForbidden)
		return
	}
	start := time.Now()
	ready := make(chan bool, 1)
	d.conferences.Request(room, texts(ask.Properties), func(ok bool) { ready <- ok })
	answer := httpAnswer{Room: string(view.Outward([]byte(room.String()))), FocusJID: d.focus.String(), Properties: make(map[string]string)}
	for _, p := range answers() {
		answer.Properties[p.Name] = p.Value
	}
	select {
	case answer.Ready = <-ready:
	case <-r.Context().Done():
		return
	}
	d.took.UpdateDuration(start)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		d.log.Debug("answer not delivered", "room", room.String(), "err", err)
	}
}

// mayBegin is signaling's verdict. Where it has none the room decides, when
// somebody enters it; so it does with a token.
func (d *Door) mayBegin(ctx context.Context, room jid.JID) bool {
	verdict := make(chan error, 1)
	d.judge(room, func(err error) { verdict <- err })
	select {
	case err := <-verdict:
		return !errors.Is(err, stanza.NewError(stanza.NotAuthorized, ""))
	case <-ctx.Done():
		return true
	}
}

// texts turns JSON values into the text they have in the XMPP form.
func texts(in map[string]any) map[string]string {
	out := make(map[string]string, len(in))
	for k, v := range in {
		if s, ok := v.(string); ok {
			out[k] = s
			continue
		}
		b, err := json.Marshal(v)
		if err == nil {
			out[k] = strings.TrimSpace(string(b))
		}
	}
	return out
}
