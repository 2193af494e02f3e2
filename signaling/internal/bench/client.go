package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// client is one WebSocket. It knows as little as it can: the benchmark is of
// the other side.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte
	jid  string
	room string
}

// tally counts for all clients of a phase.
type tally struct {
	got, want int64 // presences and messages; got is atomic
	reached   chan struct{}
	delays    [1 << 17]atomic.Int64 // ns, in the order of arrival; the rest is not kept
	delayed   atomic.Int64
}

func newTally(want int) *tally {
	return &tally{want: int64(want), reached: make(chan struct{})}
}

func dial(network, addr string) (*client, error) {
	conn, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}
	_, err = io.WriteString(conn, "GET /xmpp-websocket?room=bench HTTP/1.1\r\nHost: meet.jitsi\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n")
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("upgrade: %s", res.Status)
	}
	return c, nil
}

// send writes one message. The mask is of zeros, which spares the work.
func (c *client) send(text string) error {
	b := append(c.out[:0], 0x81)
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	default:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	}
	b = append(b, 0, 0, 0, 0)
	c.out = append(b, text...)
	_, err := c.conn.Write(c.out)
	return err
}

// next reads one message, which is valid until the next call.
func (c *client) next(buf []byte) ([]byte, error) {
	for {
		head, err := c.r.Peek(2)
		if err != nil {
			return nil, err
		}
		op, n, skip := head[0]&0x0f, int(head[1]), 2
		switch n {
		case 126:
			if head, err = c.r.Peek(4); err != nil {
				return nil, err
			}
			n, skip = int(binary.BigEndian.Uint16(head[2:])), 4
		case 127:
			if head, err = c.r.Peek(10); err != nil {
				return nil, err
			}
			n, skip = int(binary.BigEndian.Uint64(head[2:])), 10
		}
		if _, err := c.r.Discard(skip); err != nil {
			return nil, err
		}
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(c.r, buf[:n]); err != nil {
			return nil, err
		}
		if op == 1 {
			return buf[:n], nil
		}
	}
}

// until reads up to a message that contains words, and returns it.
func (c *client) until(words string) (string, error) {
	for {
		b, err := c.next(nil)
		if err != nil {
			return "", fmt.Errorf("waiting for %s: %w", words, err)
		}
		if strings.Contains(string(b), words) {
			return string(b), nil
		}
		if bytes.Contains(b, []byte("<failure")) || bytes.Contains(b, []byte("stream:error")) {
			return "", fmt.Errorf("waiting for %s: %s", words, b)
		}
	}
}

func (c *client) login() error {
	const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="meet.jitsi" version="1.0"/>`
	for _, step := range [][2]string{
		{open, "features"},
		{`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`, "success"},
		{open, "features"},
	} {
		if err := c.send(step[0]); err != nil {
			return err
		}
		if _, err := c.until(step[1]); err != nil {
			return err
		}
	}
	if err := c.send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`); err != nil {
		return err
	}
	text, err := c.until("<jid>")
	_, text, _ = strings.Cut(text, "<jid>")
	c.jid, _, _ = strings.Cut(text, "</jid>")
	return err
}

func (c *client) nick() string { return c.jid[:8] }

// presence is as long as that of Jitsi's client with two sources.
func (c *client) presence(stamp string, joining bool) string {
	x := ""
	if joining {
		x = `<x xmlns="http://jabber.org/protocol/muc"/>`
	}
	n := c.nick()
	return `<presence xmlns="jabber:client" to="` + c.room + `/` + n + `">` + x + `<stats-id>Ann-9Qx</stats-id>` +
		`<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="qWvE5a2y7Dp0mZ8H4K1n3U6t9Bs="/>` +
		`<jitsi_participant_codecList>av1,vp9,vp8,h264</jitsi_participant_codecList>` +
		`<SourceInfo>{"` + n + `-a0":{"muted":true},"` + n + `-v0":{"muted":false}}</SourceInfo>` +
		`<jitsi_participant_region>box</jitsi_participant_region><stamp>` + stamp + `</stamp>` +
		`<nick xmlns="http://jabber.org/protocol/nick">Guest of the house</nick></presence>`
}

func (c *client) message(stamp string) string {
	return `<message xmlns="jabber:client" to="` + c.room + `" type="groupchat" id="` + stamp + `"><body>Shall we meet again next week? ` + stamp + `</body></message>`
}

// leave ends the stream, which leaves the room.
func (c *client) leave() error {
	return c.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
}

// stamp marks a time.
func stamp() string { return "T" + strconv.FormatInt(time.Now().UnixNano(), 10) + "T" }

// read counts what comes until the connection ends.
func (c *client) read(now *atomic.Pointer[tally]) error {
	var buf []byte
	for {
		b, err := c.next(buf)
		if err != nil {
			return err
		}
		if cap(b) > cap(buf) {
			buf = b
		}
		now.Load().count(b)
	}
}

func (t *tally) count(b []byte) {
	if !bytes.HasPrefix(b, []byte("<presence")) && (!bytes.HasPrefix(b, []byte("<message")) || !bytes.Contains(b, []byte("<body"))) {
		return
	}
	if i := bytes.Index(b, []byte(">T1")); i >= 0 {
		t.delay(b[i+2:])
	} else if i := bytes.Index(b, []byte("? T1")); i >= 0 {
		t.delay(b[i+3:])
	}
	if atomic.AddInt64(&t.got, 1) == t.want {
		close(t.reached)
	}
}

func (t *tally) delay(b []byte) {
	if i := bytes.IndexByte(b, 'T'); i > 0 {
		if ns, err := strconv.ParseInt(string(b[:i]), 10, 64); err == nil {
			if n := t.delayed.Add(1) - 1; n < int64(len(t.delays)) {
				t.delays[n].Store(time.Now().UnixNano() - ns)
			}
		}
	}
}

// p99 in milliseconds.
func (t *tally) p99() float64 {
	n := min(int(t.delayed.Load()), len(t.delays))
	if n == 0 {
		return 0
	}
	all := make([]float64, n)
	for i := range all {
		all[i] = float64(t.delays[i].Load()) / 1e6
	}
	return quantile(all, 0.99)
}
