package router

import (
	"net/netip"

	"meetbox.local/signaling/internal/guesses"
)

// Board implements board.Door.
func (r *Router) Board(id string, from netip.Addr) (meeting string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, room := range r.parts.Boards(id) {
		for o := range room.Occupants() {
			if s := r.sessions[o.Real()]; o.Guest() && s != nil && near(s.peer, from) {
				return room.Meeting(), true
			}
		}
	}
	return "", false
}

// near tells whether a peer, with a port or without, has an address or, with
// IPv6, one of the same network: clients change the rest from time to time.
func near(peer string, addr netip.Addr) bool {
	a, addr := guesses.Addr(peer), addr.Unmap().WithZone("")
	if a.IsLoopback() && addr.IsLoopback() {
		return true
	}
	if a.Is4() || addr.Is4() {
		return a == addr
	}
	network, err := a.Prefix(64)
	return err == nil && network.Contains(addr)
}
