package front

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"meetbox.local/appliance/kit/ctl"
)

// bridgeTURN is the bridge's end: it repeats the line that introduces the
// client, and then everything the client sends.
func (w *world) bridgeTURN(t *testing.T) {
	t.Helper()
	l, err := ctl.Listen(w.path("turn.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
}

func TestTURNBesideHTTPS(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.bridgeTURN(t)
	const message = "\x00\x01\x00\x00!\x12\xa4B"
	for _, tc := range []struct {
		name string
		dial func() (net.Conn, error)
	}{
		{"over TCP", func() (net.Conn, error) { return net.Dial("tcp", w.https) }},
		{"over TLS", func() (net.Conn, error) {
			config := w.client.Transport.(*http.Transport).TLSClientConfig.Clone()
			config.NextProtos, config.ServerName = nil, "localhost"
			return tls.Dial("tcp", w.https, config)
		}},
	} {
		c, err := tc.dial()
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if _, err := io.WriteString(c, message); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		r := bufio.NewReader(c)
		line, err := r.ReadString('\n')
		from := c.LocalAddr().(*net.TCPAddr)
		if want := fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d ", from.Port); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("%s: introduced by %q, %v, want %q", tc.name, line, err, want)
		}
		got := make([]byte, len(message))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != message {
			t.Errorf("%s: the bridge gets %q, %v", tc.name, got, err)
		}
		c.Close()
	}
}

// HTTPS of clients that negotiate nothing is HTTPS nevertheless, and who
// forgets the TLS is told.
func TestHTTPSBesideTURN(t *testing.T) {
	t.Parallel()
	w := start(t)
	config := w.client.Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos, config.ServerName = nil, "localhost"
	secure, err := tls.Dial("tcp", w.https, config)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Dial("tcp", w.https)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range map[net.Conn]string{secure: "HTTP/1.1 200 ", plain: "HTTP/1.0 400 "} {
		defer c.Close()
		if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", w.https); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("answer %q, %v, want %q", line, err, want)
		}
	}
}
