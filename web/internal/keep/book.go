package keep

import (
	"bytes"
	"encoding/xml"
	"slices"
	"sync"
)

const nsSM = "urn:xmpp:sm:3"

// mostKept is how many bytes of a client's stanzas are held until signaling
// says that it has handled them.
const mostKept = 512 << 10

// book counts stanzas as the two ends of a stream do (XEP-0198 §4), and holds
// the client's that signaling may not have handled. It is safe for concurrent
// use.
type book struct {
	mu    sync.Mutex
	token string // of the stream; empty: it cannot be resumed

	sent     uint32 // stanzas to the client
	resuming uint32 // h in the client's own <resume/>

	counting bool     // the client's
	last     uint32   // number of the client's last stanza
	kept     [][]byte // the newest ones, as they were on the wire
	bytes    int      // in kept
}

// management is an element of XEP-0198.
type management struct {
	XMLName xml.Name
	ID      string `xml:"id,attr"`
	Resume  string `xml:"resume,attr"`
	Previd  string `xml:"previd,attr"`
	H       uint32 `xml:"h,attr"`
}

// enough of a message tells what it is.
const enough = 512

// of reads what the book has to know of a message: whether it is a stanza, or
// an element of stream management; else its name is empty.
func of(m frame) (e management, stanza bool) {
	if m.op != opText {
		return e, false
	}
	var room [enough]byte
	switch string(name(bytes.TrimSpace(m.beginning(room[:])))) {
	case "iq", "message", "presence":
		return e, true
	case "a", "enable", "enabled", "resume", "resumed":
		return managementOf(m), false
	}
	return e, false
}

// managementOf is apart from of, which every message goes through: what is
// decoded is on the heap.
func managementOf(m frame) (e management) {
	if xml.Unmarshal(m.beginning(make([]byte, enough)), &e) != nil || e.XMLName.Space != nsSM {
		return management{}
	}
	return e
}

// name is that of the element at the beginning of b, without a prefix.
func name(b []byte) []byte {
	b, ok := bytes.CutPrefix(b, []byte("<"))
	if end := bytes.IndexAny(b, " \t\r\n/>"); ok && end > 0 {
		b = b[:end]
		return b[bytes.IndexByte(b, ':')+1:]
	}
	return nil
}

// client notes a message of the client that is about to be passed on, and
// tells whether it is kept.
func (b *book) client(m frame) bool {
	e, stanza := of(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.XMLName.Local {
	case "enable":
		b.counting, b.last = true, 0
		b.forget()
	case "resume":
		b.counting, b.last, b.resuming = true, 0, e.H
		b.forget()
	}
	if !stanza || !b.counting {
		return false
	}
	b.last++
	if b.bytes += len(m.raw); b.bytes > mostKept {
		b.forget()
		return false
	}
	b.kept = append(b.kept, bytes.Clone(m.raw))
	return true
}

// server notes a message that is about to be passed on to the client.
func (b *book) server(m frame) {
	e, stanza := of(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case m.op == opClose:
		b.token = ""
	case stanza:
		b.sent++
	case e.XMLName.Local == "enabled" && (e.Resume == "true" || e.Resume == "1"):
		b.token, b.sent = e.ID, 0
	case e.XMLName.Local == "resumed":
		// What the client has sent since its <resume/> was counted from zero.
		b.token, b.sent, b.last = e.Previd, b.resuming, b.last+e.H
		b.handled(e.H)
	case e.XMLName.Local == "a":
		b.handled(e.H)
	}
}

// handled takes in that signaling has handled h of the client's stanzas.
func (b *book) handled(h uint32) {
	if unhandled := int(b.last - h); unhandled < len(b.kept) { // modulo 2³²
		b.kept = slices.Delete(b.kept, 0, len(b.kept)-unhandled)
		b.bytes = 0
		for _, raw := range b.kept {
			b.bytes += len(raw)
		}
	}
}

func (b *book) forget() { b.kept, b.bytes = nil, 0 }

// end makes the stream one that cannot be resumed.
func (b *book) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = ""
	b.forget()
}

// resumption is what a stream is resumed with; false if it cannot be.
func (b *book) resumption() (token string, sent uint32, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.token, b.sent, b.token != ""
}

// after are the client's stanzas after the first h, all of them, or false.
func (b *book) after(h uint32) (frames [][]byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	unhandled := b.last - h // modulo 2³²
	if uint64(unhandled) > uint64(len(b.kept)) {
		return nil, false
	}
	b.handled(h)
	return slices.Clone(b.kept), true
}
