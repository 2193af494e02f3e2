package rtp

import "time"

const (
	// nackRepeat is longer than a round trip on all but the worst lines.
	nackRepeat = int64(150 * time.Millisecond)
	nackTries  = 10
	// nackJump is a gap that is no loss but a new start: asking for so much
	// would only make a bad line worse. A keyframe mends it.
	nackJump = 100
)

// Missing is what a receiver of a stream has to ask for again.
type Missing struct {
	want    [nackJump]wanted // in order of their numbers
	n       int
	highest int64
	started bool
	due     int64 // when the earliest repetition is due
}

type wanted struct {
	seq   int64
	next  int64
	tries uint8
}

// Came notes a packet by its extended number. It says whether there is now
// something to ask for at once.
func (m *Missing) Came(seq, now int64) (ask bool) {
	if !m.started {
		m.started, m.highest = true, seq
		return false
	}
	if seq <= m.highest {
		m.remove(seq)
		return false
	}
	gap := int(min(seq-m.highest-1, nackJump))
	first := m.highest + 1
	m.highest = seq
	if gap == 0 {
		return false
	}
	if gap >= nackJump {
		m.n = 0
		return false
	}
	if over := m.n + gap - len(m.want); over > 0 {
		copy(m.want[:], m.want[over:m.n])
		m.n -= over
	}
	for i := range gap {
		m.want[m.n] = wanted{seq: first + int64(i), next: now}
		m.n++
	}
	m.due = now
	return true
}

func (m *Missing) remove(seq int64) {
	for i := range m.n {
		if m.want[i].seq == seq {
			copy(m.want[i:], m.want[i+1:m.n])
			m.n--
			return
		}
	}
}

// Due says whether Ask has something to ask for.
func (m *Missing) Due(now int64) bool { return m.n > 0 && now >= m.due }

// Ask appends the numbers to ask for now to buf, in order.
func (m *Missing) Ask(buf []uint16, now int64) []uint16 {
	kept := 0
	m.due = now + nackRepeat
	for i := range m.n {
		w := m.want[i]
		if now >= w.next {
			if w.tries == nackTries {
				continue
			}
			w.tries++
			w.next = now + nackRepeat
			buf = append(buf, uint16(w.seq))
		}
		m.due = min(m.due, w.next)
		m.want[kept] = w
		kept++
	}
	m.n = kept
	return buf
}

// Reset forgets everything: what is missing is not wanted any more.
func (m *Missing) Reset() { m.n, m.started = 0, false }
