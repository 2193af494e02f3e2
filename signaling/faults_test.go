package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"meetbox.local/signaling/xmpp/convo"
)

// The faults that other servers had and that are no conversation; those that
// are one are testdata/conversations/fault_*.txt.

// TestXMLAmplification: a few bytes that mean many are refused before they are
// looked at more closely, whatever carries them.
func TestXMLAmplification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	laughs := `<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	for _, tc := range []struct{ name, text string }{
		{"entities of a document type", laughs + `<message to="meet.jitsi"><body>&b;</body></message>`},
		{"entity without one", `<message to="meet.jitsi"><body>&b;</body></message>`},
		{"depth", `<message>` + strings.Repeat("<a>", 2000) + strings.Repeat("</a>", 2000) + `</message>`},
		{"attributes", `<message><a` + attributes(2000) + `/></message>`},
		{"prefixes", `<message>` + prefixes(60) + `</message>`},
		{"children", `<message>` + strings.Repeat("<a/>", 5000) + `</message>`},
		{"comment", `<message><!--` + strings.Repeat("-", 1000) + `></message>`},
		{"processing instruction", `<message><?xml-stylesheet href="x"?></message>`},
		{"compression", `<compress xmlns="http://jabber.org/protocol/compress"><method>zlib</method></compress>`},
	} {
		b := w.browser(t, "")
		b.login()
		b.send(tc.text)
		if got := b.next(); !strings.HasPrefix(got, "<stream:error") {
			t.Errorf("%s by WebSocket: %.200s", tc.name, got)
		}
		p := w.poster(t, "")
		p.login()
		if got := p.say("", tc.text); !strings.Contains(got, ` type="terminate"`) {
			t.Errorf("%s by BOSH: %.200s", tc.name, got)
		}
	}
	// Before TLS and before the login no less.
	for _, text := range []string{laughs, `<?xml version="1.0"?>` + laughs, `<!-- -->`, strings.Repeat("<a>", 5000)} {
		conn, err := net.Dial("tcp", w.tcp)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(conn)
		if !strings.Contains(string(b), "<stream:error") {
			t.Errorf("%.40s by TCP: %.200s, %v", text, b, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d="x"`, i)
	}
	return b.String()
}

// prefixes declares five on each of n levels.
func prefixes(n int) string {
	var open, end strings.Builder
	for i := range n {
		open.WriteString("<a")
		for j := range 5 {
			fmt.Fprintf(&open, ` xmlns:p%d_%d="urn:x"`, i, j)
		}
		open.WriteString(">")
		end.WriteString("</a>")
	}
	return open.String() + end.String()
}

// TestMemoryBeforeLogin: who has not logged in costs little, whatever it does,
// there is an end to how many may be so, and the box's own accounts get in and
// guests are heard all the same.
func TestMemoryBeforeLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guest := w.browser(t, "")
	guest.login()
	before := w.resident(t)
	// Half of a frame as long as may be, for good.
	half := "GET /xmpp-websocket HTTP/1.1\r\nHost: meet.jitsi\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n\x81\xfe\x27\x10\x00\x00\x00\x00" + `<auth xmlns="` + strings.Repeat("a", 9000)
	refused := 0
	for range 600 {
		conn, err := net.Dial("unix", filepath.Join(w.dir, "signaling.sock"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, half); err != nil {
			t.Fatal(err)
		}
		var answer [12]byte
		if _, err := io.ReadFull(conn, answer[:]); err != nil {
			t.Fatal(err)
		}
		if string(answer[:]) == "HTTP/1.1 503" {
			refused++
		}
	}
	// One whose handshake is under way may not be counted yet.
	if refused < 600-512-8 {
		t.Errorf("only %d of 600 were refused", refused)
	}
	if grown := w.resident(t) - before; grown > 40<<10 {
		t.Errorf("600 strangers take %d KiB", grown)
	}
	if _, err := convo.Account(t.Context(), w, "focus"); err != nil {
		t.Errorf("the focus cannot log in: %v", err)
	}
	guest.send(`<iq xmlns="jabber:client" type="get" id="p1" to="meet.jitsi"><ping xmlns="urn:xmpp:ping"/></iq>`)
	if got := guest.next(); !strings.Contains(got, `id="p1"`) || !strings.Contains(got, `type="result"`) {
		t.Errorf("a guest behind half frames hears %q", got)
	}
}

// TestFlood: who says too much at a time is heard more slowly, loses nothing of
// it, and does not keep others waiting.
func TestFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flooder, guest := w.browser(t, ""), w.browser(t, "")
	flooder.login()
	guest.login()
	const many = 350 // 300 are a burst
	ping := func(id int) string {
		return fmt.Sprintf(`<iq xmlns="jabber:client" type="get" id="p%d" to="meet.jitsi"><ping xmlns="urn:xmpp:ping"/></iq>`, id)
	}
	for i := range many {
		flooder.send(ping(i))
	}
	guest.send(ping(0))
	if got := guest.next(); !strings.Contains(got, `id="p0"`) {
		t.Errorf("a guest beside a flood hears %q", got)
	}
	for i := range many {
		if got := flooder.next(); !strings.Contains(got, fmt.Sprintf(`id="p%d"`, i)) {
			t.Fatalf("answer %d is %q", i, got)
		}
	}
	if !strings.Contains(w.metrics(t), `signaling_drops_total{reason="throttled"}`) {
		t.Error("it was not held back")
	}
}

// TestMemoryBeforeLoginByBOSH: likewise who begins sessions by HTTP and says no more.
func TestMemoryBeforeLoginByBOSH(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.resident(t)
	refused := 0
	for range 600 {
		p := &poster{t: t, w: w, rid: 4711}
		if got := p.say(creation, ""); strings.Contains(got, ` condition="policy-violation"`) {
			refused++
		} else if !strings.Contains(got, "<stream:features") {
			t.Fatalf("a session begins with %s", got)
		}
	}
	if refused < 600-512-8 { // on a slow machine the first may have been sent away
		t.Errorf("only %d of 600 were refused", refused)
	}
	if grown := w.resident(t) - before; grown > 40<<10 {
		t.Errorf("600 strangers take %d KiB", grown)
	}
	if _, err := convo.Account(t.Context(), w, "focus"); err != nil {
		t.Errorf("the focus cannot log in: %v", err)
	}
}

// resident is what the server takes, in KiB: its heap and stacks, for the race
// detector has its own memory beside each.
func (w *world) resident(t *testing.T) int {
	t.Helper()
	total := 0
	for line := range strings.Lines(w.metrics(t)) {
		for _, name := range []string{"go_memstats_heap_inuse_bytes ", "go_memstats_stack_inuse_bytes "} {
			if v, ok := strings.CutPrefix(line, name); ok {
				n, err := strconv.Atoi(strings.TrimSpace(v))
				if err != nil {
					t.Fatal(err)
				}
				total += n >> 10
			}
		}
	}
	if total == 0 {
		t.Fatal("the metrics do not tell the memory")
	}
	return total
}
