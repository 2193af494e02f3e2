package router

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/internal/component"
	"meetbox.local/signaling/internal/im"
	"meetbox.local/signaling/internal/journal"
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/jid"
)

// Kinds of journal records. Everything that changes the state has one.
const (
	evBind   = 1 // payload: the address, and after a line feed what the login has proved
	evStanza = 2 // payload: the stanza
	evEnable = 3 // payload: the token
	evAck    = 4 // payload: h
	evEnd    = 5 // payload: the reason
	evExpire = 6
	evConfig = 7 // payload: a Config
	evPush   = 8 // payload: what the store has answered
	evHeld   = 9 // payload: how many seconds to wait, and after a line feed the stanza
)

type record = journal.Record

const (
	// A journal older than this is of a machine that was off: its clients have
	// given up, and its meetings are over.
	stale = 3 * time.Minute
	// rotateAt is the least size of a journal that is replaced by a snapshot.
	rotateAt = 8 << 20
	// retryAfter is how long the server runs without a journal that failed.
	retryAfter = 10 * time.Second
)

// Open returns a router with what a former process has left in dir; an empty
// dir keeps nothing. Sessions that can be resumed wait for their clients, the
// others end here, and the focus' occupants linger until it is back.
func Open(o Options, dir string, log *slog.Logger, set *metrics.Set) (*Router, error) {
	o.Defaults()
	if o.Store == nil {
		var err error
		if o.Store, err = store.Open("", log); err != nil {
			return nil, err
		}
	}
	r := &Router{
		Options: o, log: log, quiet: slog.New(slog.DiscardHandler), meter: newMeter(set),
		tick: make(chan struct{}, 1), dir: dir, rotateAt: rotateAt,
	}
	r.init()
	rand.Read(r.seed[:])
	if dir != "" {
		past, err := journal.Load(dir)
		if err != nil {
			return nil, err
		}
		if !r.revive(past) {
			r.load()
		}
		if r.journal, err = journal.Create(dir, r.snapshot()); err != nil {
			return nil, err
		}
	}
	if dir == "" {
		r.load()
	}
	r.gauges(set)
	return r, nil
}

// load reads what has outlived more than a process.
func (r *Router) load() {
	r.Store.View(func(rd store.Reader) {
		if err := r.im.Load(rd); err != nil {
			r.log.Error("some accounts' contacts cannot be read", "err", err)
		}
		r.rooms.Load(rd)
	})
}

// revive brings back the past, or starts afresh when it cannot be read: a
// broken journal must not keep the server from starting.
func (r *Router) revive(past *journal.Past) bool {
	if past == nil {
		return false
	}
	if age := time.Since(past.Written); age > stale {
		r.log.Info("old state left behind", "age", age.Round(time.Second).String())
		return false
	}
	n, err := r.replay(past)
	if err != nil {
		r.log.Error("state of the former process is lost", "err", err)
		r.init()
		return false
	}
	r.now = time.Now()
	for _, s := range r.inOrder() {
		if s.token == "" {
			r.end(s, "", "server restarted")
			continue
		}
		s.deadline = r.now.Add(r.Hibernate)
	}
	// The focus waits for the server as its clients do.
	r.rooms.Prolong(r.now.Add(r.Hibernate))
	r.breakout.Prolong(r.now.Add(r.Hibernate))
	r.focusLost = r.now
	r.log.Info("state of the former process taken over", "events", n, "sessions", len(r.sessions), "rooms", r.rooms.Rooms())
	r.askAgain()
	return true
}

func (r *Router) replay(past *journal.Past) (n int, err error) {
	defer func() {
		if p := recover(); p != nil { // what killed the former process must not kill this one
			err = fmt.Errorf("replay event %d: %v", n, p)
		}
		r.replaying = false
	}()
	r.replaying = true
	if err := r.restore(past.Snapshot); err != nil {
		return 0, err
	}
	sc := NewScanner()
	for rec := range past.Records() {
		n++
		r.now = rec.At
		if rec.Kind != evAck {
			r.event++
			r.ids = 0
		}
		if err := r.again(rec, sc); err != nil {
			return n, fmt.Errorf("replay event %d: %w", n, err)
		}
	}
	return n, nil
}

// NewScanner returns a scanner for what is inside of a client's stream.
func NewScanner() *xmlscan.Scanner {
	return &xmlscan.Scanner{
		Default: []byte("jabber:client"), StreamPrefix: []byte("stream"), StreamNS: []byte("http://etherx.jabber.org/streams"),
	}
}

// again does what an event did.
func (r *Router) again(rec record, sc *xmlscan.Scanner) error {
	s := r.byNum[rec.Session]
	switch rec.Kind {
	case evBind:
		addr, pass, err := bound(rec.Payload)
		if err != nil {
			return err
		}
		box := sm.New(r.QueueBytes, nil)
		box.Mute(true)
		r.bind(addr, pass, nil, box)
		return nil
	case evExpire:
		r.expired()
		return nil
	case evConfig:
		var c Config
		if err := json.Unmarshal(rec.Payload, &c); err != nil {
			return err
		}
		r.configure(c)
		return nil
	}
	if s == nil {
		return fmt.Errorf("no session %d", rec.Session)
	}
	switch rec.Kind {
	case evHeld:
		h, err := heldOf(rec.Payload)
		if err != nil {
			return err
		}
		el, err := sc.Scan(h.raw)
		if err != nil {
			return err
		}
		st, err := wire.Parse(h.raw, el)
		if err != nil {
			return err
		}
		r.hold(s, &st, h.seconds)
	case evStanza:
		el, err := sc.Scan(rec.Payload)
		if err != nil {
			return err
		}
		st, err := wire.Parse(rec.Payload, el)
		if err != nil {
			r.refuseBad(s, &st, err)
		} else {
			r.handle(s, &st)
		}
	case evEnable:
		s.Box.Mute(len(rec.Payload) == 0)
		r.enable(s, string(rec.Payload), "")
	case evAck:
		s.Box.Replayed(binary.LittleEndian.Uint32(rec.Payload))
	case evEnd:
		r.end(s, "", string(rec.Payload))
	case evPush:
		var a answered
		if err := json.Unmarshal(rec.Payload, &a); err != nil {
			return err
		}
		r.push(s, a)
	default:
		return fmt.Errorf("kind %d", rec.Kind)
	}
	return nil
}

// begin opens an event: its time, its ids, its record. Acknowledgements that
// came since the last event go along in the same write.
func (r *Router) begin(rec record) {
	r.now = time.Now()
	r.event++
	r.ids = 0
	if r.journal == nil {
		return
	}
	rec.At = r.now
	if len(r.acks) == 0 {
		r.wrote(r.journal.Append(rec))
		return
	}
	records := make([]record, 0, len(r.acks)+1)
	for _, s := range r.acks {
		s.ackDirty = false
		if !s.ended {
			records = append(records, record{Kind: evAck, Session: s.num, At: r.now, Payload: binary.LittleEndian.AppendUint32(nil, s.acked)})
		}
	}
	r.acks = r.acks[:0]
	r.wrote(r.journal.Append(append(records, rec)...))
}

// wrote gives the journal up when it failed; a full folder in memory must not
// end meetings. rotate tries again.
func (r *Router) wrote(err error) {
	if err == nil {
		return
	}
	r.meter.drop("journal")
	r.log.Error("meetings would not survive a restart", "err", err)
	if err := r.journal.Close(); err != nil {
		r.log.Error("journal not closed", "err", err)
	}
	r.journal, r.broken = nil, r.now
}

// rotate replaces a journal that has grown by a snapshot, between events.
func (r *Router) rotate() {
	switch {
	case r.dir == "":
		return
	case r.journal == nil && r.now.Sub(r.broken) < retryAfter:
		return
	case r.journal != nil && r.journal.Size() < r.rotateAt:
		return
	}
	snapshot := r.snapshot()
	next, err := journal.Create(r.dir, snapshot)
	if r.journal != nil {
		if err := r.journal.Close(); err != nil {
			r.log.Error("journal not closed", "err", err)
		}
		r.journal = nil
	}
	if err != nil {
		r.broken = r.now
		r.log.Error("meetings would not survive a restart", "err", err)
		return
	}
	r.journal = next
	r.rotateAt = max(rotateAt, 3*int64(len(snapshot)))
	for _, s := range r.acks { // the snapshot has them
		s.ackDirty = false
	}
	r.acks = r.acks[:0]
}

// Close stops the journal; what is in it is for the next process.
func (r *Router) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dir = ""
	if r.journal == nil {
		return nil
	}
	err := r.journal.Close()
	r.journal = nil
	return err
}

// derive makes bytes out of the seed, the same ones in a replay.
func (r *Router) derive(event uint64, n uint32) []byte {
	b := append([]byte{}, r.seed[:]...)
	b = binary.LittleEndian.AppendUint64(b, event)
	b = binary.LittleEndian.AppendUint32(b, n)
	sum := sha256.Sum256(b)
	return sum[:16]
}

// with is the payload of evBind.
func (p Pass) with(addr jid.JID) []byte {
	b := []byte(addr.String())
	if p == (Pass{}) {
		return b
	}
	j, err := json.Marshal(p)
	if err != nil {
		return b // text and booleans
	}
	return append(append(b, '\n'), j...)
}

func bound(payload []byte) (addr jid.JID, pass Pass, err error) {
	text, j, ok := bytes.Cut(payload, []byte{'\n'})
	if addr, err = jid.Parse(string(text)); err != nil {
		return addr, pass, err
	}
	if ok {
		err = json.Unmarshal(j, &pass)
	}
	return addr, pass, err
}

type state struct {
	Seed     []byte         `json:"seed"`
	Event    uint64         `json:"event"`
	LastNum  uint32         `json:"last_num"`
	Happened uint64         `json:"happened,omitempty"` // in meetings: the number of the last event
	Sessions []sessionState `json:"sessions"`
	Lost     time.Time      `json:"focus_lost,omitzero"`
	Waiting  []requestState `json:"waiting,omitempty"`
	Rooms    muc.State      `json:"rooms"`
	Lobby    muc.State      `json:"lobby"`
	Breakout muc.State      `json:"breakout"`
	Internal muc.State      `json:"internal"`

	Components component.State `json:"components,omitempty"`

	IM      im.State              `json:"im,omitzero"`
	Config  Config                `json:"config,omitzero"`
	Permits map[jid.JID]time.Time `json:"permits,omitempty"`
	Tickets map[string]ticket     `json:"tickets,omitempty"`
	LastAsk uint64                `json:"last_ask,omitempty"`
	Pending []store.Op            `json:"pending,omitempty"` // not on the disk yet
}

type sessionState struct {
	Num       uint32   `json:"num"`
	Addr      jid.JID  `json:"addr"`
	Token     string   `json:"token,omitempty"`
	Counting  bool     `json:"counting,omitempty"`
	In        uint32   `json:"in,omitempty"`
	Available bool     `json:"available,omitempty"`
	Pass      Pass     `json:"pass,omitzero"`
	Vouched   string   `json:"vouched,omitempty"`
	Ticket    string   `json:"ticket,omitempty"`
	Box       sm.State `json:"box"`
}

// inOrder are the sessions in the order of their binding.
func (r *Router) inOrder() []*Session {
	list := make([]*Session, 0, len(r.byNum))
	for _, s := range r.byNum {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *Session) int { return int(a.num) - int(b.num) })
	return list
}

func (r *Router) snapshot() []byte {
	st := state{Seed: r.seed[:], Event: r.event, LastNum: r.lastNum, Happened: r.events.count, Lost: r.focusLost, Waiting: r.waitingState()}
	for _, s := range r.inOrder() {
		st.Sessions = append(st.Sessions, sessionState{
			Num: s.num, Addr: s.addr, Token: s.token, Counting: s.counting, In: s.in, Available: s.available, Pass: s.pass,
			Vouched: s.vouched, Ticket: s.ticket, Box: s.Box.State(),
		})
	}
	number := func(m muc.Member) uint32 { return m.(*Session).num }
	st.Breakout = r.breakout.State(number)
	st.Rooms, st.Lobby, st.Internal = r.rooms.State(number), r.lobby.State(number), r.internal.State(number)
	st.Components = r.parts.State()
	st.IM = r.im.State(func(m im.Member) uint32 { return m.(*Session).num })
	st.Config, st.Permits, st.Tickets = r.config, r.permits, r.tickets
	st.LastAsk, st.Pending = r.lastAsk, r.Store.Pending()
	b, err := json.Marshal(st)
	if err != nil {
		r.log.Error("snapshot", "err", err) // only numbers, text and bytes: cannot happen
	}
	return b
}

func (r *Router) restore(snapshot []byte) error {
	var st state
	if err := json.Unmarshal(snapshot, &st); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	copy(r.seed[:], st.Seed)
	r.event, r.lastNum, r.focusLost = st.Event, st.LastNum, st.Lost
	r.events.count = st.Happened
	for _, w := range st.Waiting {
		r.waiting = append(r.waiting, request{w.From, w.Ask.Out(), w.Refusal.Out()})
	}
	for _, ss := range st.Sessions {
		s := &Session{
			num: ss.Num, addr: ss.Addr, escaped: wire.Escape(ss.Addr.String()), rank: r.rankOf(ss.Addr), router: r,
			Box: sm.New(r.QueueBytes, nil), token: ss.Token, counting: ss.Counting, in: ss.In, available: ss.Available, pass: ss.Pass, view: r.viewOf(ss.Pass),
			vouched: ss.Vouched, ticket: ss.Ticket,
		}
		s.Box.SetTo(wire.To(s.escaped))
		s.Box.Restore(ss.Box)
		s.Box.Mute(s.token == "")
		r.add(s)
	}
	member := func(num uint32) muc.Member {
		if s := r.byNum[num]; s != nil {
			return s
		}
		return nil
	}
	r.im.Restore(st.IM, func(num uint32) im.Member {
		if s := r.byNum[num]; s != nil {
			return s
		}
		return nil
	})
	r.configure(st.Config)
	maps.Copy(r.permits, st.Permits)
	maps.Copy(r.tickets, st.Tickets)
	r.lastAsk = st.LastAsk
	r.Store.Write(st.Pending...)
	if err := r.rooms.Restore(st.Rooms, member); err != nil {
		return err
	}
	if err := r.breakout.Restore(st.Breakout, member); err != nil {
		return err
	}
	if err := r.lobby.Restore(st.Lobby, member); err != nil {
		return err
	}
	if err := r.parts.Restore(st.Components); err != nil {
		return err
	}
	return r.internal.Restore(st.Internal, member)
}
