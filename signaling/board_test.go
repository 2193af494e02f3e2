package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"meetbox.local/signaling/internal/board"
	"meetbox.local/signaling/xmpp/convo"
)

// behind is the server as the front door shows it to clients from an address.
type behind struct {
	*world
	addr string
}

func (b behind) WebSocket(ctx context.Context, query string) (convo.Wire, error) {
	client := b.client()
	client.Transport = via{client.Transport, b.addr}
	return convo.DialWebSocket(ctx, client, "ws://meet.jitsi/xmpp-websocket?room=demo&"+query)
}

type via struct {
	next http.RoundTripper
	addr string
}

func (v via) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", v.addr)
	return v.next.RoundTrip(r)
}

// opened is a meeting whose whiteboard has the id b1, below a tenant's name or
// none.
func opened(tenant string) string {
	query, outside, inside := "", "demo@muc.meet.jitsi", "demo@muc.meet.jitsi"
	if tenant != "" {
		query, outside, inside = "prefix="+tenant, "demo@muc."+tenant+".meet.jitsi", "["+tenant+"]demo@muc.meet.jitsi"
	}
	return strings.NewReplacer("QUERY", query, "OUTSIDE", outside, "INSIDE", inside).Replace(`
focus: tcp focus
ann:   websocket QUERY
focus> <presence to="INSIDE/focus"><x xmlns="http://jabber.org/protocol/muc"/></presence>
focus<~ <message/>
ann>   <presence to="OUTSIDE/${ann.nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>
ann<~  <message/>
focus> <iq type="set" to="INSIDE" id="g1"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="${ann.bare}"/></query></iq>
focus<~ <iq type="result"/>
ann<~  <presence><x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner"/></x></presence>
ann>   <message to="metadata.meet.jitsi" id="1"><room_metadata xmlns="http://jitsi.org/jitmeet" room="OUTSIDE">{"key":"whiteboard","data":{"collabDetails":{"roomId":"b1","roomKey":"k"},"collabServerUrl":"https://box"}}</room_metadata></message>
ann<~  <message from="metadata.meet.jitsi"/>
`)
}

// drawer connects to the board b1 and asks to be let in.
func (w *world) drawer(t *testing.T, addr, id string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://meet.jitsi"+board.Path+"?EIO=4&transport=websocket", &websocket.DialOptions{
		HTTPClient: w.client(), HTTPHeader: http.Header{"X-Forwarded-For": {addr}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	for _, say := range []string{"40", `42["join-room","` + id + `"]`} {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(say)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// heard is what comes up to the first frame with one of the words, or to the end.
func heard(t *testing.T, c *websocket.Conn, word string) (text []string, ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, b, err := c.Read(ctx)
		if ctx.Err() != nil {
			t.Fatalf("nothing more came after %q", text)
		}
		if err != nil {
			return text, true
		}
		if text = append(text, string(b)); strings.Contains(string(b), word) {
			return text, false
		}
	}
}

// TestBoard: a board is there as long as its meeting says so, for who is in it.
func TestBoard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const ann, stranger = "192.0.2.7", "192.0.2.8"
	if _, ended := heard(t, w.drawer(t, ann, "b1"), "room-user-change"); !ended {
		t.Fatal("a board without a meeting")
	}
	var c *websocket.Conn
	t.Run("meeting", func(inner *testing.T) {
		convo.PlayText(inner, behind{w, ann}, "board", opened(""))
		for _, no := range [][2]string{{stranger, "b1"}, {ann, "b2"}, {ann, "demo"}} {
			if text, ended := heard(t, w.drawer(t, no[0], no[1]), "room-user-change"); !ended {
				t.Errorf("%v got in: %q", no, text)
			}
		}
		c = w.drawer(t, ann, "b1")
		text, ended := heard(t, c, "room-user-change")
		if ended || !slices.Contains(text, `42["first-in-room"]`) {
			t.Fatalf("%q", text)
		}
	})
	// Ann has left, and with her the meeting.
	if text, ended := heard(t, c, "nothing that is ever said"); !ended {
		t.Errorf("%q", text)
	}
}

// TestBoardsOfTenants: meetings of the same name, below a tenant's name and
// without one, have boards of their own, even if they are called alike.
func TestBoardsOfTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for tenant, addr := range map[string]string{"": "192.0.2.7", "acme": "192.0.2.8", "other": "192.0.2.9"} {
		convo.PlayText(t, behind{w, addr}, "board"+tenant, opened(tenant))
		c := w.drawer(t, addr, "b1")
		if text, ended := heard(t, c, "room-user-change"); ended || !slices.Contains(text, `42["first-in-room"]`) {
			t.Errorf("below %q: %q", tenant, text)
		}
	}
}
