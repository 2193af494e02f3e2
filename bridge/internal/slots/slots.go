// Package slots shares a limited number of outgoing SSRCs among many sources:
// the least recently wanted source gives its slot to a newly wanted one. It
// is pure bookkeeping; what a slot is, the caller knows.
package slots

import "slices"

// Table maps sources to slots. The zero value has no slots; see [New].
type Table[K comparable] struct {
	max   int
	order []entry[K] // least recently wanted first
	made  int        // slots ever made
}

type entry[K comparable] struct {
	key  K
	slot int
}

// New is a table of at most max slots at a time.
func New[K comparable](max int) *Table[K] { return &Table[K]{max: max} }

// Change is a source that got a slot. A slot number that was never given
// before is a new slot; otherwise it was taken from another source.
type Change[K comparable] struct {
	Key  K
	Slot int
	New  bool
}

// Want marks the keys as wanted now, the most wanted first, and gives slots to
// those without one. Keys beyond the number of slots get none.
func (t *Table[K]) Want(keys []K) []Change[K] {
	if len(keys) > t.max {
		keys = keys[:t.max]
	}
	missing := 0
	for i := range keys {
		// From the back, so that the most wanted one is given up last.
		if k := keys[len(keys)-1-i]; !t.touch(k) {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	var changes []Change[K]
	for _, k := range keys {
		if t.touch(k) {
			continue
		}
		if len(t.order) < t.max {
			t.order = append(t.order, entry[K]{k, t.made})
			changes = append(changes, Change[K]{k, t.made, true})
			t.made++
			continue
		}
		// All wanted ones that have a slot were touched above, so the first
		// is one that is not wanted.
		e := entry[K]{k, t.order[0].slot}
		t.order = append(slices.Delete(t.order, 0, 1), e)
		changes = append(changes, Change[K]{Key: k, Slot: e.slot})
	}
	return changes
}

func (t *Table[K]) touch(k K) bool {
	i := t.index(k)
	if i < 0 {
		return false
	}
	e := t.order[i]
	t.order = append(slices.Delete(t.order, i, i+1), e)
	return true
}

func (t *Table[K]) index(k K) int {
	return slices.IndexFunc(t.order, func(e entry[K]) bool { return e.key == k })
}

// Slot is the slot of a key.
func (t *Table[K]) Slot(k K) (int, bool) {
	if i := t.index(k); i >= 0 {
		return t.order[i].slot, true
	}
	return 0, false
}

// Room is how many more keys can get a slot without taking one away.
func (t *Table[K]) Room() int { return t.max - len(t.order) }

// Abandon gives up a key together with its slot: clients keep no memory of
// who used an SSRC after its owner left, so it is not given to another.
func (t *Table[K]) Abandon(k K) (slot int, ok bool) {
	i := t.index(k)
	if i < 0 {
		return 0, false
	}
	slot = t.order[i].slot
	t.order = slices.Delete(t.order, i, i+1)
	return slot, true
}

// All are the keys and their slots, the least recently wanted first.
func (t *Table[K]) All(yield func(K, int) bool) {
	for _, e := range t.order {
		if !yield(e.key, e.slot) {
			return
		}
	}
}
