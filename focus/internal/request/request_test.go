package request

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// rooms are conferences that begin at once.
type rooms struct {
	asked []jid.JID
	props map[string]string
}

func (r *rooms) Request(room jid.JID, props map[string]string, done func(bool)) {
	r.asked, r.props = append(r.asked, room), props
	done(true)
}

func door() (*Door, *rooms) {
	r := new(rooms)
	judge := func(room jid.JID, done func(error)) {
		if room.Local() == "closed" {
			done(stanza.NewError(stanza.NotAuthorized, ""))
			return
		}
		done(nil)
	}
	return New(r, judge, jid.MustParse("focus@auth.x"), []string{"muc.x"}, slog.New(slog.DiscardHandler), metrics.NewSet()), r
}

func TestPost(t *testing.T) {
	t.Parallel()
	d, r := door()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/conference-request/v1?room=demo",
		strings.NewReader(`{"room":"demo@muc.x","properties":{"startAudioMuted":10,"a":"b","c":null,"d":{"e":[1]}}}`)))
	if w.Code != http.StatusOK || len(r.asked) != 1 || r.asked[0] != jid.MustParse("demo@muc.x") {
		t.Errorf("%d, asked for %v", w.Code, r.asked)
	}
	for token, want := range map[string]int{"": http.StatusForbidden, "Bearer x": http.StatusOK} {
		w, q := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/conference-request/v1", strings.NewReader(`{"room":"closed@muc.x"}`))
		if token != "" {
			q.Header.Set("Authorization", token)
		}
		closed, _ := door()
		if closed.ServeHTTP(w, q); w.Code != want {
			t.Errorf("with token %q: %d", token, w.Code)
		}
	}
	for name, want := range map[string]string{"startAudioMuted": "10", "a": "b", "c": "null", "d": `{"e":[1]}`} {
		if r.props[name] != want {
			t.Errorf("property %s is %q, want %q", name, r.props[name], want)
		}
	}
}

// TestTenants: a room below a tenant's name is another one than the room of that
// name without it, and is not got at by writing its address as services do.
func TestTenants(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{
		"demo@muc.acme.x":       "[acme]demo@muc.x",
		"demo@muc.x":            "demo@muc.x",
		"d%c3%a4@muc.b%c3%bc.x": "[b%c3%bc]d%c3%a4@muc.x",
		"[acme]demo@muc.x":      "",
		"[acme]demo@muc.acme.x": "[acme][acme]demo@muc.x",
		"demo@muc.a.b.x":        "",
		"demo@muc.Acme.x":       "",
		"demo@muc..x":           "",
		"@muc.acme.x":           "",
		"muc.acme.x":            "",
		"demo@muc.acme.x/focus": "",
	} {
		d, r := door()
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/conference-request/v1", strings.NewReader(`{"room":"`+asked+`"}`)))
		if want == "" {
			if w.Code != http.StatusBadRequest || len(r.asked) > 0 {
				t.Errorf("%q: %d, asked for %v", asked, w.Code, r.asked)
			}
			continue
		}
		var a httpAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || len(r.asked) != 1 || r.asked[0].String() != want || a.Room != asked {
			t.Errorf("%q: %d, asked for %v, answer for %q, %v", asked, w.Code, r.asked, a.Room, err)
		}
	}
}

// FuzzPost: an answer is either a refusal, or of a room that is ours; and it
// always has properties, without which clients break.
func FuzzPost(f *testing.F) {
	f.Add(`{"room":"demo@muc.x","machineUid":"u","properties":{"startAudioMuted":10}}`)
	f.Add(`{"room":"demo@muc.y"}`)
	f.Add(`{"room":"demo@muc.x/focus","properties":[]}`)
	f.Add(`{"room":"demo@muc.acme.x"}`)
	f.Add(`{"ROOM":"demo@muc.x","room":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		d, r := door()
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/conference-request/v1", strings.NewReader(body)))
		switch w.Code {
		case http.StatusForbidden:
			if !strings.Contains(body, "closed") {
				t.Errorf("%q is forbidden", body)
			}
		case http.StatusBadRequest:
			if len(r.asked) > 0 {
				t.Errorf("%q is refused, and asked for", body)
			}
		case http.StatusOK:
			var a httpAnswer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || !a.Ready || len(a.Properties) == 0 {
				t.Errorf("%q is answered %s, %v", body, w.Body, err)
			}
			if len(r.asked) != 1 || !r.asked[0].IsBare() || r.asked[0].Domain() != "muc.x" || r.asked[0].Local() == "" {
				t.Errorf("%q asks for %v", body, r.asked)
			}
		default:
			t.Errorf("%q: %d", body, w.Code)
		}
	})
}
