package rtp

// Extend continues a counter of a few bits beyond its wraps: the number
// nearest to last whose lowest bits are v.
func Extend(last int64, v uint16, bits uint) int64 {
	shift := 64 - bits
	return last + int64(uint64(int64(v)-last)<<shift)>>shift
}

// Mapper renumbers a stream from which some items are left out on purpose. An
// item left out leaves no gap in the numbers that go out; an item that was
// lost on its way does, so that whoever receives them asks for it. Numbers
// are extended ones, see [Extend].
//
// Late items get the number that was kept for them. Of an item so late that
// this is forgotten, or that belongs to the time before the last Restart,
// nothing goes out.
type Mapper struct {
	spans [64]span // a ring; 64 dropped frames are 2 s at 30 frames a second
	first int      // the oldest
	n     int
	next  int64 // one more than the highest item seen
}

// span is a run of items with one shift; the gap items before it were left
// out.
type span struct{ from, shift, gap int64 }

func (m *Mapper) last() *span { return &m.spans[(m.first+m.n-1)%len(m.spans)] }

// Restart begins anew: item in goes out as number out, and nothing before it.
func (m *Mapper) Restart(in, out int64) {
	m.first, m.n = 0, 1
	m.spans[0] = span{from: in, shift: in - out}
	m.next = in
}

// Started says whether Restart was ever called.
func (m *Mapper) Started() bool { return m.n > 0 }

// Next is one more than the highest item seen.
func (m *Mapper) Next() int64 { return m.next }

// Keep is the number of an item that goes out; false refuses it.
func (m *Mapper) Keep(in int64) (out int64, ok bool) {
	if m.n == 0 {
		return 0, false
	}
	if in >= m.next {
		m.next = in + 1
		return in - m.last().shift, true
	}
	return m.late(in)
}

func (m *Mapper) late(in int64) (int64, bool) {
	newer := int64(1<<63 - 1) // where the left-out items before the newer span start
	for i := m.n - 1; i >= 0; i-- {
		s := &m.spans[(m.first+i)%len(m.spans)]
		if in >= s.from {
			return in - s.shift, in < newer
		}
		newer = s.from - s.gap
	}
	return 0, false
}

// Skip leaves an item out. With joined, what is missing right before it is
// left out too, if the item before that was: the caller knows that it belongs
// together. False means that the item comes too late to close its gap: its
// number, which Keep gives, is missing in what went out.
func (m *Mapper) Skip(in int64, joined bool) bool {
	if m.n == 0 {
		return true
	}
	if in < m.next {
		_, open := m.late(in)
		return !open
	}
	s := m.last()
	switch {
	case m.skipping() && (joined || in == m.next):
		n := in + 1 - s.from
		s.from, s.shift, s.gap = in+1, s.shift+n, s.gap+n
	default:
		m.push(span{from: in + 1, shift: s.shift + 1, gap: 1})
	}
	m.next = in + 1
	return true
}

// skipping says whether the highest item seen was left out.
func (m *Mapper) skipping() bool { s := m.last(); return s.gap > 0 && s.from == m.next }

func (m *Mapper) push(s span) {
	if m.n == len(m.spans) {
		m.first, m.n = (m.first+1)%len(m.spans), m.n-1
	}
	m.n++
	*m.last() = s
}
