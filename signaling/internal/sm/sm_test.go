package sm

import (
	"fmt"
	"strings"
	"testing"

	"meetbox.local/signaling/internal/wire"
)

type link struct{ wakes int }

func (l *link) Wake() { l.wakes++ }

func stanza(n int) *wire.Out {
	return &wire.Out{Head: fmt.Appendf(nil, "<m%d", n), Body: []byte("</m>")}
}

// drain takes everything and renders it.
func drain(t *testing.T, b *Box, l *link) string {
	t.Helper()
	items, ok := b.Take(l, nil)
	if !ok {
		t.Fatal("the box is not this link's")
	}
	var out []string
	for _, it := range items {
		text, _, _ := strings.Cut(string(b.Append(nil, it)), " to=")
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func newBox(l *link) *Box {
	b := New(1000, l)
	b.SetTo(wire.To([]byte("a@b/c")))
	return b
}

func TestBox(t *testing.T) {
	t.Parallel()
	l := &link{}
	b := newBox(l)
	b.Put(stanza(0)) // before counting
	b.Enable("<enabled/>")
	for n := range 3 {
		b.Put(stanza(n + 1))
	}
	if got := drain(t, b, l); got != "<m0 <enabled/> <m1 <m2 <m3" {
		t.Errorf("first: %s", got)
	}
	if err := b.Ack(2); err != nil {
		t.Error(err)
	}
	b.Put(stanza(4))
	b.PutNonza("<a/>")
	next := &link{}
	if err := b.Resume(next, 2, "<resumed/>"); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Take(l, nil); ok {
		t.Error("the old link still drains the box")
	}
	if got := drain(t, b, next); got != "<resumed/> <m3 <m4" {
		t.Errorf("resumed: %s", got)
	}
	if err := b.Resume(next, 3, "<resumed/>"); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, b, next); got != "<resumed/> <m4" {
		t.Errorf("resumed later: %s", got)
	}
	for _, h := range []uint32{2, 5, 1 << 31} {
		if err := b.Ack(h); err == nil {
			t.Errorf("Ack(%d) of 3…4 accepted", h)
		}
	}
	if next.wakes == 0 {
		t.Error("the link was never woken")
	}
}

func TestBoxAsksAndIsBounded(t *testing.T) {
	t.Parallel()
	l := &link{}
	b := newBox(l)
	b.Enable("")
	for n := range requestAfter {
		b.Put(stanza(n))
	}
	if got := drain(t, b, l); !strings.HasSuffix(got, request) {
		t.Errorf("not asked after %d stanzas: %s", requestAfter, got)
	}
	b.Put(stanza(9))
	if got := drain(t, b, l); got != "<m9" {
		t.Errorf("asked twice: %s", got)
	}
	full := false
	for range 200 {
		full = full || !b.Put(stanza(1))
	}
	if !full {
		t.Error("never full")
	}
	if err := b.Ack(6); err != nil {
		t.Error(err)
	}
}

func TestCounterWraps(t *testing.T) {
	t.Parallel()
	l := &link{}
	b := newBox(l)
	b.Restore(State{Enabled: true, Sent: 1<<32 - 2})
	for n := range 4 {
		b.Put(stanza(n))
	}
	drain(t, b, l)
	if err := b.Ack(1); err != nil { // …-2, …-1, 0 → three of four
		t.Error(err)
	}
	st := b.State()
	if len(st.Unacked) != 1 || st.Sent != 2 {
		t.Errorf("after the wrap: %+v", st)
	}
}

func TestStateComesBack(t *testing.T) {
	t.Parallel()
	l := &link{}
	b := newBox(l)
	b.Enable("")
	for n := range 3 {
		b.Put(stanza(n))
	}
	drain(t, b, l)
	b.Put(stanza(3))
	st := b.State()
	again := New(1000, nil)
	again.Restore(st)
	if err := again.Resume(l, 1, "<resumed/>"); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, again, l); got != "<resumed/> <m1 <m2 <m3" {
		t.Errorf("after the restart: %s", got)
	}
}

func TestTakeUp(t *testing.T) {
	t.Parallel()
	l := &link{}
	b := newBox(l)
	b.Enable("")
	for n := range 5 {
		b.Put(stanza(n))
	}
	drain(t, b, l)
	if err := b.Ack(1); err != nil {
		t.Fatal(err)
	}
	again, next := newBox(&link{}), &link{}
	again.Restore(b.State())
	for _, sent := range []uint32{0, 6} {
		if err := again.TakeUp(next, sent, ""); err == nil {
			t.Errorf("taken up after %d of 1…5", sent)
		}
	}
	if err := again.TakeUp(next, 3, "<resumed/>"); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, again, next); got != "<resumed/> <m3 <m4" {
		t.Errorf("taken up: %s", got)
	}
	// The client's own resumption may still need what it was sent.
	if err := again.Resume(l, 2, "<resumed/>"); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, again, l); got != "<resumed/> <m2 <m3 <m4" {
		t.Errorf("resumed: %s", got)
	}
}
