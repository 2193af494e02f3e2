package websocket_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"meetbox.local/signaling/internal/websocket"
)

// stream is a connection from which all that a peer has sent can be read.
type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// frame is one of a client, masked.
func frame(first byte, payload string) string {
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i&3])
	}
	return string(b)
}

// drip gives a byte at a time.
type drip struct{ r io.Reader }

func (d drip) Read(b []byte) (int, error) { return d.r.Read(b[:min(1, len(b))]) }

func TestMessages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 70_000)
	for _, c := range []struct {
		name, in string
		messages []string
		pings    []string
		end      error
	}{
		{"nothing", "", nil, nil, io.EOF},
		{"one", frame(0x81, "hello"), []string{"hello"}, nil, io.EOF},
		{"empty", frame(0x81, "") + frame(0x81, "x"), []string{"", "x"}, nil, io.EOF},
		{"of each length", frame(0x81, long[:125]) + frame(0x81, long[:126]) + frame(0x81, long[:65535]) + frame(0x81, long),
			[]string{long[:125], long[:126], long[:65535], long}, nil, io.EOF},
		{"in parts", frame(0x01, "one ") + frame(0x00, "two ") + frame(0x80, "three"), []string{"one two three"}, nil, io.EOF},
		{"in empty parts", frame(0x01, "") + frame(0x00, "") + frame(0x80, ""), []string{""}, nil, io.EOF},
		{"a ping", frame(0x89, "there?") + frame(0x81, "x"), []string{"x"}, []string{"there?"}, io.EOF},
		{"a ping within a message", frame(0x01, "a") + frame(0x89, "1") + frame(0x8a, "") + frame(0x80, "b"), []string{"ab"}, []string{"1"}, io.EOF},
		{"a pong that nobody asked for", frame(0x8a, "1") + frame(0x81, "x"), []string{"x"}, nil, io.EOF},
		{"closed", frame(0x88, "\x03\xe8"), nil, nil, websocket.CloseError(1000)},
		{"closed with a reason", frame(0x88, "\x03\xe9page gone"), nil, nil, websocket.CloseError(1001)},
		{"closed without a word", frame(0x88, ""), nil, nil, websocket.CloseError(1005)},
		{"closed within a message", frame(0x01, "a") + frame(0x88, "\x03\xe8"), nil, nil, websocket.CloseError(1000)},
		{"cut in a header", frame(0x81, "hello")[:3], nil, nil, io.EOF},
		{"cut in a payload", frame(0x81, "hello")[:8], nil, nil, io.ErrUnexpectedEOF},
		{"cut between parts", frame(0x01, "hello"), nil, nil, io.ErrUnexpectedEOF},
		{"no mask", "\x81\x01x", nil, nil, websocket.ErrProtocol},
		{"reserved bits", frame(0xc1, "x"), nil, nil, websocket.ErrProtocol},
		{"reserved opcode", frame(0x83, "x"), nil, nil, websocket.ErrProtocol},
		{"reserved control", frame(0x8b, "x"), nil, nil, websocket.ErrProtocol},
		{"long ping", frame(0x89, long[:126]), nil, nil, websocket.ErrProtocol},
		{"ping in parts", frame(0x09, "x"), nil, nil, websocket.ErrProtocol},
		{"continues nothing", frame(0x80, "x"), nil, nil, websocket.ErrProtocol},
		{"a message within another", frame(0x01, "a") + frame(0x81, "b"), nil, nil, websocket.ErrProtocol},
		{"closed with half a code", frame(0x88, "\x03"), nil, nil, websocket.ErrProtocol},
		{"closed with no code of clients", frame(0x88, "\x03\xed"), nil, nil, websocket.ErrProtocol},
		{"closed with a low code", frame(0x88, "\x00\x01"), nil, nil, websocket.ErrProtocol},
		{"closed with bad UTF-8", frame(0x88, "\x03\xe8\xff"), nil, nil, websocket.ErrProtocol},
		{"impossible length", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff0000", nil, nil, websocket.ErrProtocol},
	} {
		for _, how := range []string{"at once", "byte by byte", "early"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				var in io.Reader = strings.NewReader(c.in)
				var early []byte
				switch how {
				case "byte by byte":
					in = drip{in}
				case "early":
					early, in = []byte(c.in), strings.NewReader("")
				}
				conn := websocket.New(stream{Reader: in}, early)
				var pings []string
				conn.Answer = func(b []byte) { pings = append(pings, string(b)) }
				var got []string
				var err error
				for {
					var b []byte
					var op websocket.Op
					if b, op, err = conn.Read(nil, 100_000); err != nil {
						break
					}
					if op != websocket.Text {
						t.Errorf("opcode %d", op)
					}
					got = append(got, string(b))
				}
				if !errors.Is(err, c.end) {
					t.Errorf("ends with %v, want %v", err, c.end)
				}
				if strings.Join(got, "|") != strings.Join(c.messages, "|") || len(got) != len(c.messages) {
					t.Errorf("%d messages, want %d", len(got), len(c.messages))
				}
				if strings.Join(pings, "|") != strings.Join(c.pings, "|") {
					t.Errorf("pings %q, want %q", pings, c.pings)
				}
			})
		}
	}
}

// A message that is too long is read one byte further than allowed, however
// it is cut.
func TestLimit(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		frame(0x81, strings.Repeat("a", 1000)),
		frame(0x01, strings.Repeat("a", 60)) + frame(0x80, strings.Repeat("a", 60)),
		"\x81\xff\x00\x00\x10\x00\x00\x00\x00\x000000" + strings.Repeat("a", 2000), // says it will be 17 TB
	} {
		conn := websocket.New(stream{Reader: strings.NewReader(in)}, nil)
		if b, _, err := conn.Read(nil, 100); len(b) != 101 || cap(b) > 2048 || err != nil {
			t.Errorf("%d bytes in %d, %v", len(b), cap(b), err)
		}
	}
}

// Another maker's client and this server understand each other.
func TestOtherClient(t *testing.T) {
	t.Parallel()
	const size = 300_000 // more than the kernel takes at once
	failed := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		failed <- echo(w, r)
	}))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, res, err := coder.Dial(ctx, "ws"+strings.TrimPrefix(srv.URL, "http"), &coder.DialOptions{Subprotocols: []string{"xmpp"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := res.Header.Get("Sec-WebSocket-Protocol"); p != "xmpp" {
		t.Errorf("subprotocol %q", p)
	}
	c.SetReadLimit(-1)
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, size} {
		text := bytes.Repeat([]byte("x"), n)
		if err := c.Write(ctx, coder.MessageText, text); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes came back as %d, %v", n, len(got), err)
		}
	}
	read := c.CloseRead(ctx)
	if err := c.Ping(ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
	_ = c.Close(coder.StatusGoingAway, "")
	<-read.Done()
	if err := <-failed; !errors.Is(err, websocket.CloseError(websocket.GoingAway)) {
		t.Errorf("the server saw %v", err)
	}
}

// echo sends back what it is sent until it fails.
func echo(w http.ResponseWriter, r *http.Request) error {
	conn, err := websocket.Upgrade(w, r, "xmpp")
	if err != nil {
		return err
	}
	say := func(b []byte) error {
		n, err := conn.TryWrite(b)
		if err == nil {
			err = conn.Write(b[n:], time.Minute)
		}
		return err
	}
	conn.Answer = func(b []byte) { _ = say(websocket.Append(nil, websocket.Pong, b)) }
	for {
		b, op, err := conn.Read(nil, 1<<20)
		if err == nil {
			err = say(websocket.Append(nil, op, b))
		}
		if err != nil {
			_ = say(websocket.AppendClose(nil, websocket.Normal))
			return errors.Join(err, conn.Kill())
		}
	}
}

// A request that is none is told why.
func TestRefusedHandshake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, header, value string
		status              int
	}{
		{"no upgrade", "Upgrade", "h2c", http.StatusBadRequest},
		{"no connection", "Connection", "close", http.StatusBadRequest},
		{"no key", "Sec-WebSocket-Key", "", http.StatusBadRequest},
		{"short key", "Sec-WebSocket-Key", "AAAA", http.StatusBadRequest},
		{"old version", "Sec-WebSocket-Version", "8", http.StatusUpgradeRequired},
		{"cannot be taken over", "X", "", http.StatusNotImplemented},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for k, v := range map[string]string{
				"Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade",
				"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13",
			} {
				r.Header.Set(k, v)
			}
			r.Header.Set(c.header, c.value)
			w := httptest.NewRecorder()
			if _, err := websocket.Upgrade(w, r, "xmpp"); err == nil || w.Code != c.status {
				t.Errorf("status %d, %v; want %d", w.Code, err, c.status)
			}
		})
	}
}

// Whatever a peer sends, reading ends, within the limit.
func FuzzRead(f *testing.F) {
	f.Add([]byte(frame(0x81, "hello") + frame(0x89, "p") + frame(0x88, "\x03\xe8")))
	f.Add([]byte(frame(0x01, "a") + frame(0x00, "b") + frame(0x80, "c")))
	f.Add([]byte("\x81\xff\x00\x00\x10\x00\x00\x00\x00\x000000"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conn := websocket.New(stream{Reader: bytes.NewReader(in)}, nil)
		total := 0
		for {
			b, _, err := conn.Read(nil, 64)
			if len(b) > 65 {
				t.Fatalf("%d bytes", len(b))
			}
			if total += len(b); total > len(in) {
				t.Fatal("more than was sent")
			}
			if err != nil || len(b) > 64 {
				return
			}
		}
	})
}
