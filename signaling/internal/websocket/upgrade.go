package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// magic is of RFC 6455 §1.3.
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Requested tells whether a request asks for a WebSocket.
func Requested(r *http.Request) bool { return lists(r.Header, "Upgrade", "websocket") }

// Offers tells whether the client knows a subprotocol.
func Offers(r *http.Request, protocol string) bool {
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(v, ",") {
			if strings.TrimSpace(p) == protocol {
				return true
			}
		}
	}
	return false
}

// lists tells whether a header has a word among those with commas between.
func lists(h http.Header, name, word string) bool {
	for _, v := range h.Values(name) {
		for p := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(p), word) {
				return true
			}
		}
	}
	return false
}

// Upgrade takes a connection over from net/http with the handshake of RFC 6455
// §4.2, for any origin. It has answered the request when it fails.
func Upgrade(w http.ResponseWriter, r *http.Request, protocol string) (*Conn, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	problem := ""
	switch {
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1):
		problem = "a WebSocket begins with a GET of HTTP/1.1"
	case !Requested(r) || !lists(r.Header, "Connection", "upgrade"):
		problem = "headers Upgrade: websocket and Connection: upgrade expected"
	case err != nil || len(nonce) != 16:
		problem = "header Sec-WebSocket-Key expected, 16 bytes in base64"
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		http.Error(w, "version 13 expected", http.StatusUpgradeRequired)
		return nil, fmt.Errorf("websocket: version %q", r.Header.Get("Sec-WebSocket-Version"))
	}
	if problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return nil, errors.New("websocket: " + problem)
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "no WebSockets over this connection", http.StatusNotImplemented)
		return nil, fmt.Errorf("websocket: %w", err)
	}
	// What the client has said early, without net/http's buffers of 8 KiB.
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	early = bytes.Clone(early)
	if err == nil {
		sum := sha1.Sum([]byte(key + magic))
		_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n%s\r\n",
			base64.StdEncoding.EncodeToString(sum[:]), protocol, extra(w.Header()))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("websocket: %w", err), conn.Close())
	}
	return New(conn, early), nil
}

// extra are the headers that were set on the answer before.
func extra(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // to memory
	return b.String()
}
