// Package sources keeps what everybody in a conference sends: which SSRCs,
// under which names, grouped how. It decides what a participant may add and
// remove, writes sources in the forms that clients and bridges read, and
// compares what a client knows with what it should know.
//
// The package is pure: no clock, no I/O, no goroutines. A Map belongs to the
// goroutine of its conference.
package sources

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits for one endpoint; a camera in three layers with retransmission is 6
// SSRCs and 4 groups.
const (
	maxSSRCs  = 20
	maxGroups = 20
)

// Media is audio or video.
type Media uint8

// The two media.
const (
	Audio Media = 1 + iota
	Video
)

func (m Media) String() string {
	if m == Audio {
		return "audio"
	}
	return "video"
}

// Source is one SSRC.
type Source struct {
	SSRC    uint32 `json:"ssrc"`
	Media   Media  `json:"media"`
	Name    string `json:"name"`
	MSID    string `json:"msid,omitempty"`
	Desktop bool   `json:"desktop,omitempty"`
}

// Group ties SSRCs of one medium: "SIM" or "FID".
type Group struct {
	Semantics string   `json:"semantics"`
	Media     Media    `json:"media"`
	SSRCs     []uint32 `json:"ssrcs"`
}

func (g Group) equal(h Group) bool {
	return g.Semantics == h.Semantics && g.Media == h.Media && slices.Equal(g.SSRCs, h.SSRCs)
}

// Set is what one endpoint sends, or a part of it.
type Set struct {
	Sources []Source `json:"sources,omitempty"`
	Groups  []Group  `json:"groups,omitempty"`
}

// Empty tells whether nothing is in the set.
func (s Set) Empty() bool { return len(s.Sources) == 0 && len(s.Groups) == 0 }

func (s Set) find(ssrc uint32) (Source, bool) {
	i := slices.IndexFunc(s.Sources, func(x Source) bool { return x.SSRC == ssrc })
	if i < 0 {
		return Source{}, false
	}
	return s.Sources[i], true
}

func (s Set) hasGroup(g Group) bool { return slices.ContainsFunc(s.Groups, g.equal) }

// Has tells whether anything of the medium is sent.
func (s Set) Has(m Media) bool {
	return slices.ContainsFunc(s.Sources, func(x Source) bool { return x.Media == m })
}

// Error says why a change was refused; the sender's fault, always.
type Error struct{ What string }

func (e *Error) Error() string { return e.What }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Map is everybody's sources. The zero value is empty and ready.
type Map struct {
	owners map[string]Set
	ssrcs  map[uint32]string // owner
}

// Of returns what an endpoint sends. The caller must not change it.
func (m *Map) Of(owner string) Set { return m.owners[owner] }

// All returns everybody's sources but those of one endpoint.
func (m *Map) All(except string) map[string]Set {
	out := maps.Clone(m.owners)
	delete(out, except)
	return out
}

// Senders counts the endpoints that send a medium.
func (m *Map) Senders(media Media) int {
	n := 0
	for _, s := range m.owners {
		if s.Has(media) {
			n++
		}
	}
	return n
}

// Add adds sources to an endpoint's and returns what was added: groups that
// are empty or there already are left out. When it refuses, nothing changes.
func (m *Map) Add(owner string, add Set) (Set, error) {
	have := m.owners[owner]
	if len(have.Sources)+len(add.Sources) > maxSSRCs {
		return Set{}, refuse("more than %d SSRCs", maxSSRCs)
	}
	msids := make(map[string]string)
	for o, s := range m.owners {
		for _, x := range s.Sources {
			msids[x.MSID] = o
		}
	}
	seen := make(map[uint32]bool)
	for _, s := range add.Sources {
		if s.SSRC == 0 {
			return Set{}, refuse("invalid SSRC 0")
		}
		if _, used := m.ssrcs[s.SSRC]; used || seen[s.SSRC] {
			return Set{}, refuse("SSRC is already used: %d", s.SSRC)
		}
		seen[s.SSRC] = true
		if o, used := msids[s.MSID]; s.MSID != "" && used && o != owner {
			return Set{}, refuse("msid is already used: %s", s.MSID)
		}
		if !validName(owner, s) {
			return Set{}, refuse("source name %q is not the sender's", s.Name)
		}
	}
	next := Set{Sources: slices.Concat(have.Sources, add.Sources), Groups: slices.Clone(have.Groups)}
	added := Set{Sources: add.Sources}
	for _, g := range add.Groups {
		if len(g.SSRCs) == 0 || next.hasGroup(g) {
			continue
		}
		next.Groups = append(next.Groups, g)
		added.Groups = append(added.Groups, g)
	}
	if len(next.Groups) > maxGroups {
		return Set{}, refuse("more than %d SSRC groups", maxGroups)
	}
	if err := next.check(); err != nil {
		return Set{}, err
	}
	m.put(owner, next)
	return added, nil
}

// Remove takes sources from an endpoint's and returns what went: a source is
// found by its SSRC alone, and groups go with any of their sources.
func (m *Map) Remove(owner string, remove Set) (Set, error) {
	if remove.Empty() {
		return Set{}, nil
	}
	have := m.owners[owner]
	gone := Set{}
	for _, s := range remove.Sources {
		x, ok := have.find(s.SSRC)
		if !ok {
			return Set{}, refuse("SSRC is not the sender's: %d", s.SSRC)
		}
		if _, twice := gone.find(s.SSRC); !twice {
			gone.Sources = append(gone.Sources, x)
		}
	}
	for _, g := range remove.Groups {
		if !have.hasGroup(g) {
			return Set{}, refuse("no such group: %s %v", g.Semantics, g.SSRCs)
		}
	}
	next := Set{}
	for _, s := range have.Sources {
		if _, ok := gone.find(s.SSRC); !ok {
			next.Sources = append(next.Sources, s)
		}
	}
	for _, g := range have.Groups {
		named := slices.ContainsFunc(remove.Groups, g.equal)
		if named || slices.ContainsFunc(g.SSRCs, func(x uint32) bool { _, ok := gone.find(x); return ok }) {
			gone.Groups = append(gone.Groups, g)
		} else {
			next.Groups = append(next.Groups, g)
		}
	}
	if err := next.check(); err != nil {
		return Set{}, err
	}
	m.put(owner, next)
	return gone, nil
}

// Drop removes all that an endpoint sends.
func (m *Map) Drop(owner string) { m.put(owner, Set{}) }

// Restore sets what an endpoint sends, unchecked: it was checked before this
// process started.
func (m *Map) Restore(owner string, s Set) { m.put(owner, s) }

func (m *Map) put(owner string, s Set) {
	if m.owners == nil {
		m.owners = make(map[string]Set)
		m.ssrcs = make(map[uint32]string)
	}
	for _, x := range m.owners[owner].Sources {
		delete(m.ssrcs, x.SSRC)
	}
	if s.Empty() {
		delete(m.owners, owner)
		return
	}
	m.owners[owner] = s
	for _, x := range s.Sources {
		m.ssrcs[x.SSRC] = owner
	}
}

// validName tells whether a source is named after its owner and its medium:
// owner-aN or owner-vN. Others' names would let one speak for another.
func validName(owner string, s Source) bool {
	n, ok := strings.CutPrefix(s.Name, owner+"-"+s.Media.String()[:1])
	if !ok {
		return false
	}
	_, err := strconv.ParseUint(n, 10, 16)
	return err == nil
}

// check tests what must be true of one endpoint's sources as a whole.
func (s Set) check() error {
	for _, g := range s.Groups {
		if g.Semantics == fid && len(g.SSRCs) != 2 {
			return refuse("FID group of %d SSRCs", len(g.SSRCs))
		}
		var msid string
		for i, ssrc := range g.SSRCs {
			x, ok := s.find(ssrc)
			switch {
			case !ok || x.Media != g.Media:
				return refuse("group has an SSRC that is not signalled: %d", ssrc)
			case x.MSID == "":
				return refuse("grouped SSRC has no msid: %d", ssrc)
			case i > 0 && x.MSID != msid:
				return refuse("group with different msids: %v", g.SSRCs)
			}
			msid = x.MSID
		}
	}
	// Each group, with the retransmissions of its layers, has an msid of its
	// own within its medium.
	type key struct {
		media Media
		msid  string
	}
	roots := make(map[key]uint32)
	for _, x := range s.Sources {
		if x.MSID == "" {
			continue
		}
		k, root := key{x.Media, x.MSID}, s.root(x.SSRC)
		if other, ok := roots[k]; ok && other != root {
			return refuse("msid is already used: %s", x.MSID)
		}
		roots[k] = root
	}
	return nil
}

// root is the first SSRC of the group that ssrc belongs to in the end.
func (s Set) root(ssrc uint32) uint32 {
	for _, g := range s.Groups {
		if g.Semantics == fid && g.SSRCs[1] == ssrc {
			ssrc = g.SSRCs[0]
			break
		}
	}
	for _, g := range s.Groups {
		if g.Semantics == sim && slices.Contains(g.SSRCs, ssrc) {
			return g.SSRCs[0]
		}
	}
	return ssrc
}

// Stripped is the set as receivers without SSRC rewriting see it: of each
// simulcast group only the first layer and its retransmission, because the
// bridge sends whatever layer it chooses under that SSRC.
func (s Set) Stripped() Set {
	drop := make(map[uint32]bool)
	for _, g := range s.Groups {
		if g.Semantics == sim {
			for _, x := range g.SSRCs[1:] {
				drop[x] = true
			}
		}
	}
	for _, g := range s.Groups {
		if g.Semantics == fid && drop[g.SSRCs[0]] {
			drop[g.SSRCs[1]] = true
		}
	}
	var out Set
	for _, x := range s.Sources {
		if !drop[x.SSRC] {
			out.Sources = append(out.Sources, x)
		}
	}
	for _, g := range s.Groups {
		if g.Semantics != sim && !drop[g.SSRCs[0]] {
			out.Groups = append(out.Groups, g)
		}
	}
	return out
}

// Diff returns what somebody who knows old must forget and learn to know new.
func Diff(old, next map[string]Set) (remove, add map[string]Set) {
	remove, add = make(map[string]Set), make(map[string]Set)
	for owner := range maps.Keys(old) {
		if d := old[owner].minus(next[owner]); !d.Empty() {
			remove[owner] = d
		}
	}
	for owner := range maps.Keys(next) {
		if d := next[owner].minus(old[owner]); !d.Empty() {
			add[owner] = d
		}
	}
	return remove, add
}

func (s Set) minus(t Set) Set {
	var out Set
	for _, x := range s.Sources {
		if !slices.Contains(t.Sources, x) {
			out.Sources = append(out.Sources, x)
		}
	}
	for _, g := range s.Groups {
		if !t.hasGroup(g) {
			out.Groups = append(out.Groups, g)
		}
	}
	return out
}

// owners returns the keys in a fixed order, so that the same sources are
// always written the same way.
func ordered(m map[string]Set) []string {
	return slices.SortedFunc(maps.Keys(m), cmp.Compare[string])
}
