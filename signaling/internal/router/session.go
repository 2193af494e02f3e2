package router

import (
	"net/netip"
	"time"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/tenant"
)

// Link is a connection as the router sees it. Its methods are called under
// the router's lock and must not block.
type Link interface {
	sm.Waker
	// Peer is where it comes from: an address, with or without a port.
	Peer() string
	// Reached is the address of the box that it came in at; zero if unknown.
	Reached() netip.Addr
	// Stop ends the connection after what its box holds, with a stream error
	// if the condition is not empty.
	Stop(condition string)
}

// Session is one resource of one account, from bind to its end; it survives
// its connections if the client has enabled resumption. All fields but the
// box belong to the router's lock; the first block never changes.
type Session struct {
	num     uint32
	addr    jid.JID
	escaped []byte
	rank    muc.Rank
	pass    Pass
	view    *tenant.View // nil: rooms' addresses are what they are
	router  *Router
	Box     *sm.Box

	link      Link       // nil while hibernating
	peer      string     // of the last link; not known over a restart
	reached   netip.Addr // likewise
	token     string     // of resumption; empty without
	counting  bool       // XEP-0198 is on
	in        uint32     // stanzas handled since then
	acked     uint32     // last acknowledgement, for the journal
	ackDirty  bool       // acked is not in the journal yet
	deadline  time.Time  // end of hibernation
	vouched   string     // user who has logged in beside this session, for it
	ticket    string     // for the guest that this one is elsewhere
	available bool       // has sent its first presence
	doomed    string     // stream error condition that awaits it after this event
	ended     bool
}

// Addr implements muc.Member.
func (s *Session) Addr() jid.JID { return s.addr }

// Escaped implements muc.Member.
func (s *Session) Escaped() []byte { return s.escaped }

// Rank implements muc.Member.
func (s *Session) Rank() muc.Rank { return s.rank }

// Reached implements muc.Member.
func (s *Session) Reached() netip.Addr { return s.reached }

// Send implements muc.Member. A session that does not read what it is sent is
// ended after the event: nobody else waits for it.
func (s *Session) Send(out *wire.Out) {
	if s.ended {
		return
	}
	s.router.meter.out.Inc()
	if s.view != nil {
		out = &wire.Out{Head: s.view.Outward(out.Head), Body: s.view.Outward(out.Body), Whole: out.Whole}
	}
	if !s.Box.Put(out) {
		s.router.doom(s, "resource-constraint")
	}
}

// Inward is what the session's client has written as the router takes it:
// rooms of its tenant have other addresses here. Without a tenant it is raw.
func (s *Session) Inward(raw []byte) []byte { return s.view.Inward(raw) }

func (r *Router) viewOf(p Pass) *tenant.View {
	if p.Tenant == "" {
		return nil
	}
	return tenant.NewView(p.Tenant, r.MUC)
}

// strange tells whether a room is below another tenant's name than the session:
// nobody comes into it by writing its address as services do.
func (s *Session) strange(room jid.JID) bool {
	local := room.Local()
	if s.rank != muc.Guest || s.pass.Tenant == "" && (local == "" || local[0] != '[') {
		return false
	}
	name, _ := tenant.Split(local)
	return local != "" && name != s.pass.Tenant
}
