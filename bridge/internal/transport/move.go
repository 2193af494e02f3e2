package transport

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// conns are a generation's ways in and out, by the address of ours that each
// uses. A snapshot, never changed.
type conns map[*local]*muxConn

func (g *generation) conn(l *local) *muxConn { return (*g.conns.Load())[l] }

// check is one question to be asked.
type check struct {
	g        *generation
	from     *local
	to       address
	addr     netip.AddrPort // to again
	ufrag    string
	password string
	nominate bool // and the way to be used from now on
	move     int  // the session's how manieth
}

// movedPriority of the way after a move: above that of all candidates that
// were offered (see describe) and of earlier moves, because a client that
// goes by the rules never changes to one that is not above.
func movedPriority(move int) uint32 {
	return hostPreference<<24 | uint32(min(offeredPreference+1+move, 65535))<<8 | 255
}

// insist is how often, and when, a moved session's questions are repeated:
// they may be lost, and the client may be in a tunnel.
const (
	insistTimes = 5
	insistFirst = 200 * time.Millisecond // doubled each time
)

// rehome lets the session go on when addresses of ours have gone: what its
// ICE agents take for such an address is reached at another of the same
// family from now on. Everybody who was heard at the old one is asked from
// the new one at once. A client learns of it by that question, as from a
// peer-reflexive candidate, and neither it nor we need any signalling.
func (s *Session) rehome(locals []*local) {
	now := Now()
	s.mu.Lock()
	s.moves++
	var checks []check
	for _, g := range s.generations() {
		next := maps.Clone(*g.conns.Load())
		for old, c := range *g.conns.Load() {
			l := substitute(locals, old)
			if l == old || l == nil {
				continue
			}
			delete(next, old)
			c.local.Store(l)
			if next[l] == nil || s.uses(old) {
				next[l] = c
			}
			for k := range s.remotes {
				if k.local == old && g.theirs.Ufrag != "" {
					checks = append(checks, check{g, l, k.addr, k.addr.addrPort(), g.theirs.Ufrag, g.theirs.Password, g == s.current && s.opts.Controlling && s.used(k), s.moves})
				}
			}
		}
		g.conns.Store(&next)
	}
	if path := s.path.Load(); path != nil && !slices.Contains(locals, path.local) {
		s.path.Store(nil) // the first answer makes another
	}
	var gone []*binding
	for k, r := range s.remotes {
		if slices.Contains(locals, k.local) {
			continue
		}
		if r.bound != nil {
			gone = append(gone, r.bound)
		}
		delete(s.remotes, k)
	}
	s.port.unbind(gone)
	for _, c := range checks {
		s.remoteAt(remoteKey{c.from, c.to}, now).checked = now
	}
	s.mu.Unlock()
	insist(checks, insistTimes, insistFirst)
}

func insist(checks []check, times int, pause time.Duration) {
	for _, c := range checks {
		c.g.ask(c)
	}
	if times > 1 && len(checks) > 0 {
		time.AfterFunc(pause, func() { insist(checks, times-1, 2*pause) })
	}
}

// used says whether media goes this way. The caller holds s.mu.
func (s *Session) used(k remoteKey) bool {
	path := s.path.Load()
	return path != nil && path.local == k.local && path.remote == k.addr
}

// uses says whether media goes out at the address. The caller holds s.mu.
func (s *Session) uses(l *local) bool {
	path := s.path.Load()
	return path != nil && path.local == l
}

// substitute is the address itself while it is there, else the best other one
// of its family; nil: there is none.
func substitute(locals []*local, l *local) *local {
	if slices.Contains(locals, l) {
		return l
	}
	i := slices.IndexFunc(locals, func(x *local) bool { return x.addr.Addr().Is4() == l.addr.Addr().Is4() })
	if i < 0 {
		return nil
	}
	return locals[i]
}
