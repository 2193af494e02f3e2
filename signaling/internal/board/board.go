// Package board relays whiteboards: what somebody draws goes to all others who
// have the same board. It speaks Socket.IO 5 over WebSocket, as the relay of
// Excalidraw and Jitsi Meet does (jitsi/excalidraw-backend), so that their
// clients and ours draw on one board:
//
//	init-room                                to who has connected
//	join-room ID                             from who wants to a board
//	first-in-room, new-user SOCKET           to who is alone there; to the others
//	room-user-change [SOCKET…]               to all, when somebody comes or goes
//	server-broadcast ID DATA IV              from who has drawn
//	server-volatile-broadcast ID DATA IV     from whose pointer has moved
//	client-broadcast DATA IV                 to the others
//
// DATA is encrypted with a key that only the meeting knows, who is new is sent
// the board by the others, and nothing is kept: a relay that begins anew has
// lost nothing once its clients have connected again.
//
// A board is there while its meeting says so, and only people who are in that
// meeting get to it, which [Door] knows. Their clients cannot show who they
// are, so it goes by the address they come from, again every few seconds: who
// has left or was sent away is off the board, too.
//
// A Relay is safe for concurrent use.
package board

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coder/websocket"
)

// Path is where clients connect.
const Path = "/socket.io/"

// Door knows who may draw on what.
type Door interface {
	// Board finds the meeting that has a board with this id and somebody in it
	// who came from this address.
	Board(id string, from netip.Addr) (meeting string, ok bool)
}

// Limits of a relay. Clients send all of an element for each frame in which it
// grows, and a whole board to who comes.
type Limits struct {
	Clients   int           // connections, on all boards
	People    int           // on one board
	Frame     int64         // bytes of one attachment
	Events    float64       // a second of one client
	Burst     int           // of events
	ByteRate  float64       // bytes a second of one client
	ByteBurst int           // not less than two frames
	Queue     int           // bytes that wait for one client
	Total     int64         // for all of them
	Volatile  int           // the same, above which it is sent no pointers
	Join      time.Duration // from the connection to a board
	Ping      time.Duration // between two looks whether the client is there
	Answer    time.Duration // for that, and for taking what it is sent
	Look      time.Duration // between two looks whether it may stay
}

// DefaultLimits take everybody's strokes on a screen with 144 pictures a second.
func DefaultLimits() Limits {
	return Limits{
		Clients: 1000, People: 200, Frame: 8 << 20, Events: 400, Burst: 1200, ByteRate: 4 << 20, ByteBurst: 24 << 20,
		Queue: 24 << 20, Total: 128 << 20, Volatile: 256 << 10, Join: 10 * time.Second,
		Ping: 25 * time.Second, Answer: 20 * time.Second, Look: 3 * time.Second,
	}
}

// Relay is all boards.
type Relay struct {
	door    Door
	limits  Limits
	log     *slog.Logger
	relayed *metrics.Counter
	refused *metrics.Counter

	waiting atomic.Int64 // bytes, for all clients

	wg     sync.WaitGroup
	mu     sync.Mutex
	open   int // connections
	boards map[place][]*client
}

// place is one board of one meeting: two meetings whose boards are called alike
// have nothing in common.
type place struct{ meeting, id string }

// New returns a relay without a board.
func New(door Door, limits Limits, set *metrics.Set, log *slog.Logger) *Relay {
	r := &Relay{
		door: door, limits: limits, log: log, boards: map[place][]*client{},
		relayed: set.NewCounter("signaling_board_events_total"),
		refused: set.NewCounter("signaling_board_refused_total"),
	}
	set.NewGauge("signaling_board_clients", func() float64 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return float64(r.open)
	})
	return r
}

// Handler serves clients until ctx ends; Wait waits for them.
func (r *Relay) Handler(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		q := req.URL.Query()
		from, err := netip.ParseAddr(req.Header.Get("X-Forwarded-For"))
		switch {
		case q.Get("EIO") != "4" || q.Get("transport") != "websocket":
			http.Error(w, "A whiteboard is drawn on with Engine.IO 4 over a WebSocket.", http.StatusBadRequest)
		case err != nil:
			http.Error(w, "The front door did not say who asks.", http.StatusBadRequest)
		case !r.enter():
			r.refused.Inc()
			http.Error(w, "Too many people draw on whiteboards.", http.StatusServiceUnavailable)
		default:
			defer r.exit()
			// Of any origin, as XMPP is: there is no cookie to make use of.
			conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{InsecureSkipVerify: true})
			if err != nil {
				return // it has been answered
			}
			conn.SetReadLimit(r.limits.Frame)
			newClient(r, conn, from).serve(ctx)
		}
	})
}

// Wait waits for the connections to end, after Handler's context has.
func (r *Relay) Wait() { r.wg.Wait() }

func (r *Relay) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open >= r.limits.Clients {
		return false
	}
	r.open++
	r.wg.Add(1)
	return true
}

func (r *Relay) exit() {
	r.mu.Lock()
	r.open--
	r.mu.Unlock()
	r.wg.Done()
}

// join takes somebody to a board, and tells all there.
func (r *Relay) join(c *client, id string) bool {
	meeting, ok := r.door.Board(id, c.from)
	if !ok {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := place{meeting, id}
	others := r.boards[at]
	if len(others) >= r.limits.People {
		c.send(event("room-full"))
		return false
	}
	c.at, c.joined = at, true
	r.boards[at] = append(slices.Clip(others), c)
	if len(others) == 0 {
		c.send(event("first-in-room"))
	}
	for _, o := range others {
		o.send(event("new-user", c.id))
	}
	r.tell(at)
	return true
}

// leave takes somebody off the board.
func (r *Relay) leave(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !c.joined {
		return
	}
	c.joined = false
	rest := slices.DeleteFunc(slices.Clone(r.boards[c.at]), func(o *client) bool { return o == c })
	if len(rest) == 0 {
		delete(r.boards, c.at)
		return
	}
	r.boards[c.at] = rest
	r.tell(c.at)
}

// tell says who is on a board to all who are. The lock is held.
func (r *Relay) tell(at place) {
	ids := []string{}
	for _, c := range r.boards[at] {
		ids = append(ids, c.id)
	}
	out := event("room-user-change", ids)
	for _, c := range r.boards[at] {
		c.send(out)
	}
}

// relay sends what somebody has drawn to the others.
func (r *Relay) relay(from *client, data, iv []byte, volatile bool) {
	r.mu.Lock()
	list := r.boards[from.at] // never changed, only replaced
	r.mu.Unlock()
	r.relayed.Inc()
	for _, c := range list {
		if c != from {
			c.sendDrawn(data, iv, volatile)
		}
	}
}

// newID is the name of a connection.
func newID() string { return rand.Text()[:20] }
