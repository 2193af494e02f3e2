package board

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coder/websocket"
)

// guests is a Door with a list: the meeting's name by address and board.
type guests struct {
	mu   sync.Mutex
	list map[string]string
}

func (g *guests) Board(id string, from netip.Addr) (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	meeting, ok := g.list[from.String()+" "+id]
	return meeting, ok
}

func (g *guests) remove(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.list, key)
}

const (
	ada = "192.0.2.1"
	ben = "192.0.2.2"
	eve = "192.0.2.3"
)

func everybody() *guests {
	return &guests{list: map[string]string{ada + " demo": "m1", ben + " demo": "m1", eve + " other": "m2"}}
}

type world struct {
	t   *testing.T
	url string
}

// newWorld starts a relay, which ends with the test.
func newWorld(t *testing.T, door Door, change func(*Limits)) *world {
	t.Helper()
	limits := DefaultLimits()
	if change != nil {
		change(&limits)
	}
	r := New(door, limits, metrics.NewSet(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(r.Handler(ctx))
	t.Cleanup(func() {
		cancel()
		r.Wait()
		srv.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.open != 0 || len(r.boards) != 0 || r.waiting.Load() != 0 {
			t.Errorf("left behind: %d connections, boards %v, %d bytes", r.open, r.boards, r.waiting.Load())
		}
	})
	return &world{t, srv.URL}
}

// person is a client that speaks the protocol by hand.
type person struct {
	t    *testing.T
	conn *websocket.Conn
	sid  string
}

func (w *world) dial(from string) (*websocket.Conn, *http.Response, error) {
	conn, resp, err := websocket.Dial(w.t.Context(), w.url+Path+"?EIO=4&transport=websocket", &websocket.DialOptions{
		HTTPHeader: http.Header{"X-Forwarded-For": {from}},
	})
	if err == nil {
		conn.SetReadLimit(-1)
		w.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, resp, err
}

// connect goes as far as init-room.
func (w *world) connect(from string) *person {
	w.t.Helper()
	conn, _, err := w.dial(from)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{t: w.t, conn: conn}
	p.expect("0{")
	p.send("40")
	var hello struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p.next(), "40")), &hello); err != nil || hello.SID == "" {
		w.t.Fatal("no sid", err)
	}
	p.sid = hello.SID
	p.expect(`42["init-room"]`)
	return p
}

func (w *world) join(from, board string) *person {
	w.t.Helper()
	p := w.connect(from)
	p.send(`42["join-room","` + board + `"]`)
	return p
}

// pair are two at the board demo, of whom the first one came first.
func (w *world) pair() (a, b *person) {
	w.t.Helper()
	a = w.join(ada, "demo")
	a.expect(`42["first-in-room"]`)
	b = w.join(ben, "demo")
	b.expect(`42["room-user-change"`)
	return a, b
}

// hurry sends without a look at what comes: the relay may cut the connection at
// any moment.
func (w *world) hurry(from string, texts ...string) *person {
	w.t.Helper()
	conn, _, err := w.dial(from)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, text := range texts {
		_ = conn.Write(w.t.Context(), websocket.MessageText, []byte(text))
	}
	return &person{t: w.t, conn: conn}
}

func (p *person) send(text string) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) draw(event, board string, data []byte) {
	p.t.Helper()
	p.send(`452-["` + event + `","` + board + `",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	for _, b := range [][]byte{data, []byte("twelve bytes")} {
		if err := p.conn.Write(p.t.Context(), websocket.MessageBinary, b); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *person) read() (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	return p.conn.Read(ctx)
}

func (p *person) next() string {
	p.t.Helper()
	_, b, err := p.read()
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// expect takes the next frame, which begins so.
func (p *person) expect(prefix string) {
	p.t.Helper()
	if got := p.next(); !strings.HasPrefix(got, prefix) {
		p.t.Fatalf("got %.200q, want %.200q", got, prefix)
	}
}

func (p *person) expectDrawn(data []byte) {
	p.t.Helper()
	p.expect(drawn)
	if got := p.next(); got != string(data) {
		p.t.Fatalf("got %.50q", got)
	}
	p.expect("twelve bytes")
}

// ended waits for the end of the connection.
func (p *person) ended() {
	p.t.Helper()
	for {
		if _, _, err := p.read(); err != nil {
			if p.t.Context().Err() != nil || strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
				p.t.Fatal("not ended")
			}
			return
		}
	}
}

func TestRelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, everybody(), nil)
	a := w.join(ada, "demo")
	a.expect(`42["first-in-room"]`)
	a.expect(`42["room-user-change",["` + a.sid + `"]]`)
	b := w.join(ben, "demo")
	b.expect(`42["room-user-change",["` + a.sid + `","` + b.sid + `"]]`)
	a.expect(`42["new-user","` + b.sid + `"]`)
	a.expect(`42["room-user-change",["` + a.sid + `","` + b.sid + `"]]`)
	// Another meeting's board, and what is for none that the sender is at.
	e := w.join(eve, "other")
	e.expect(`42["first-in-room"]`)
	e.draw("server-broadcast", "demo", []byte("from elsewhere"))
	large := bytes.Repeat([]byte("x"), 1<<20)
	a.draw("server-broadcast", "demo", large)
	b.expectDrawn(large)
	b.send(`42["user-follow",{"action":"FOLLOW"}]`) // not known here
	b.send("3")
	b.draw("server-volatile-broadcast", "demo", []byte("a pointer"))
	a.expectDrawn([]byte("a pointer"))
	b.send("41")
	b.ended()
	a.expect(`42["room-user-change",["` + a.sid + `"]]`)
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	door := everybody()
	w := newWorld(t, door, func(l *Limits) { l.Look = 20 * time.Millisecond })
	for name, join := range map[string][2]string{
		"from nowhere":        {"198.51.100.1", "demo"},
		"from another":        {eve, "demo"},
		"no such board":       {ada, "nothing"},
		"a board of no name":  {ada, ""},
		"IPv6 from elsewhere": {"2001:db8::1", "demo"},
	} {
		t.Log(name)
		w.join(join[0], join[1]).ended()
	}
	// Who goes out of the meeting is off the board, the others stay.
	a, b := w.pair()
	door.remove(ben + " demo")
	b.ended()
	a.draw("server-broadcast", "demo", []byte("still here"))
	c := w.join(ada, "demo")
	c.draw("server-broadcast", "demo", []byte("hello"))
	for {
		if got := a.next(); got == drawn {
			break
		}
	}
	a.expect("hello")
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	w := newWorld(t, everybody(), func(l *Limits) { l.Clients = 1 })
	for _, q := range []string{"", "?EIO=3&transport=websocket", "?EIO=4&transport=polling"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+Path+q, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", ada)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %s", q, resp.Status)
		}
	}
	if _, resp, err := w.dial("nobody knows"); err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Error("no address:", err)
	}
	a := w.join(ada, "demo")
	if _, resp, err := w.dial(ben); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Error("one too many:", err)
	}
	a.send("41")
	a.ended()
}

func TestDisorder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, everybody(), nil)
	for name, say := range map[string]func(*person){
		"connects twice": func(p *person) { p.send("40") },
		"joins twice":    func(p *person) { p.send(`42["join-room","demo"]`); p.send(`42["join-room","demo"]`) },
		"no packet":      func(p *person) { p.send("4x") },
		"no Engine.IO":   func(p *person) { p.send("x") },
		"an empty frame": func(p *person) { p.send("") },
		"namespace":      func(p *person) { p.send("40/admin,") },
		"missing attachment": func(p *person) {
			p.send(`452-["server-broadcast","demo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
			p.send("3")
		},
		"attachment of nothing": func(p *person) {
			if err := p.conn.Write(t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
				t.Error(err)
			}
		},
		"a long text": func(p *person) { p.send(`42["` + strings.Repeat("a", maxText) + `"]`) },
	} {
		t.Log(name)
		p := w.connect(ada)
		say(p)
		p.ended()
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("people", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, everybody(), func(l *Limits) { l.People = 1 })
		w.join(ada, "demo").expect(`42["first-in-room"]`)
		b := w.join(ben, "demo")
		b.ended()
	})
	t.Run("no board in time", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, everybody(), func(l *Limits) { l.Join = 20 * time.Millisecond })
		w.hurry(ada, "40").ended()
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, everybody(), func(l *Limits) { l.Ping, l.Answer = 20*time.Millisecond, 50*time.Millisecond })
		w.hurry(ada, "40", `42["join-room","demo"]`).ended()
	})
	t.Run("frame", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, everybody(), func(l *Limits) { l.Frame = 1000 })
		a := w.join(ada, "demo")
		a.expect(`42["first-in-room"]`)
		a.send(`452-["server-broadcast","demo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		_ = a.conn.Write(t.Context(), websocket.MessageBinary, make([]byte, 1001)) // it may be cut off meanwhile
		a.ended()
	})
	t.Run("pace", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, everybody(), func(l *Limits) { l.Events, l.Burst = 50, 1 })
		a, b := w.pair()
		begin := time.Now()
		for range 20 {
			a.draw("server-broadcast", "demo", []byte("x"))
		}
		for range 20 {
			b.expectDrawn([]byte("x"))
		}
		if took := time.Since(begin); took < 300*time.Millisecond { // 19 waits of 20 ms
			t.Errorf("20 events at 50 a second took %v", took)
		}
	})
}

// TestSlowReader: who does not read is cut off, and nobody waits for that.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, everybody(), func(l *Limits) { l.Queue, l.Volatile = 1<<20, 1<<10 })
	a, b := w.pair()
	c := w.join(ada, "demo")
	c.expect(`42["room-user-change"`)
	// b does not read from here on. c counts what comes, to the end.
	data := make([]byte, 256<<10)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			_, text, err := c.read()
			if err != nil || strings.HasPrefix(string(text), `42["room-user-change"`) {
				return // b is gone
			}
		}
	}()
	for {
		select {
		case <-gone:
			b.ended()
			return
		default:
			a.draw("server-broadcast", "demo", data)
		}
	}
}
