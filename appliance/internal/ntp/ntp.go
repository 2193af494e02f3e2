// Package ntp asks time servers what time it is, and answers those who ask us
// (SNTP, RFC 4330 and RFC 5905).
//
// Query is one question to one server. Serve answers on a socket with the
// machine's clock and says honestly how good that is: a server that has the
// time from nowhere better than its own battery has stratum 10, so that
// nobody prefers it to a real one.
package ntp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	size = 48 // of a packet without extensions

	modeClient = 3
	modeServer = 4

	unsynchronised = 3 // leap indicator of a server that does not know the time
	maxStratum     = 15
)

// Why an answer is not used.
var (
	errForm    = errors.New("the answer is no NTP")
	errForeign = errors.New("the answer is to another question")
	errUnsure  = errors.New("the server does not know the time itself")
	errKiss    = errors.New("the server asks not to be asked")
)

// Answer is what a server says.
type Answer struct {
	Offset  time.Duration // that our clock is behind it
	Delay   time.Duration // there and back
	Stratum int
}

// era 0 of NTP's time begins in 1900 and ends in 2036; seconds below half the
// range are of era 1.
const (
	era1900 = 2208988800
	era2036 = 1<<32 - era1900
)

func stamp(t time.Time) uint64 {
	s := uint64(t.Unix()+era1900) & 0xffffffff
	return s<<32 | uint64(t.Nanosecond())<<32/1e9
}

func moment(s uint64) time.Time {
	sec := int64(s >> 32)
	if sec < 1<<31 {
		sec += era2036
	} else {
		sec -= era1900
	}
	return time.Unix(sec, int64((s&0xffffffff)*1e9>>32))
}

// Query asks the server at the address, a host or IP address with a port,
// once. now is our clock.
func Query(ctx context.Context, address string, now func() time.Time) (Answer, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return Answer{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	// The question carries a random number in place of our time: it tells
	// nothing about us, and only the server can know it (RFC 8915's idea).
	q := make([]byte, size)
	q[0] = 4<<3 | modeClient
	rand.Read(q[40:])
	sent, begun := now(), time.Now()
	if _, err := c.Write(q); err != nil {
		return Answer{}, err
	}
	b := make([]byte, 512)
	for {
		n, err := c.Read(b)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return Answer{}, err
		}
		a, err := read(b[:n], [8]byte(q[40:]), sent, time.Since(begun))
		if errors.Is(err, errForeign) || errors.Is(err, errForm) {
			continue // somebody guesses; the real one may still come
		}
		return a, err
	}
}

// read takes the server's answer apart. sent is when we asked, by our clock;
// trip is how long it took.
func read(b []byte, cookie [8]byte, sent time.Time, trip time.Duration) (Answer, error) {
	if len(b) < size || b[0]&7 != modeServer {
		return Answer{}, errForm
	}
	if [8]byte(b[24:32]) != cookie {
		return Answer{}, errForeign
	}
	a := Answer{Stratum: int(b[1])}
	received, transmitted := binary.BigEndian.Uint64(b[32:]), binary.BigEndian.Uint64(b[40:])
	switch {
	case a.Stratum == 0:
		return a, fmt.Errorf("%w (%q)", errKiss, b[12:16])
	case b[0]>>6 == unsynchronised || a.Stratum > maxStratum || received == 0 || transmitted == 0:
		return a, errUnsure
	}
	t2, t3 := moment(received), moment(transmitted)
	held := t3.Sub(t2)
	if held < 0 || held > trip {
		held = 0 // its two clocks' readings do not fit: take it as an instant
	}
	a.Delay = trip - held
	a.Offset = t3.Sub(sent.Add(trip)) + a.Delay/2
	return a, nil
}

// Source is how good our time is.
type Source struct {
	Stratum int       // 1 to 15; 0: we do not know the time
	Set     time.Time // when we heard it last
}

// Serve answers until the socket is closed.
func Serve(c net.PacketConn, now func() time.Time, source func() Source) error {
	b := make([]byte, 512)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return err
		}
		if a := reply(b[:n], now(), source()); a != nil {
			binary.BigEndian.PutUint64(a[40:], stamp(now()))
			_, _ = c.WriteTo(a, from) // who did not get it asks again
		}
	}
}

// reply answers a question; nil: it is none. An answer is never longer than
// its question, so that nobody can use us to flood others.
func reply(q []byte, received time.Time, s Source) []byte {
	if len(q) < size || q[0]&7 != modeClient {
		return nil
	}
	version := q[0] >> 3 & 7
	if version < 1 || version > 4 {
		return nil
	}
	a := make([]byte, size)
	a[0] = version<<3 | modeServer
	a[1], a[2], a[3] = byte(s.Stratum), q[2], 0xec // a precision of a microsecond
	copy(a[12:16], "LOCL")
	dispersion := uint32(1) << 16 // a second, for who keeps his own time
	if s.Stratum == 0 {
		a[0] |= unsynchronised << 6
		a[1] = maxStratum + 1
	} else if s.Stratum < 10 {
		dispersion = 1 << 12
	}
	binary.BigEndian.PutUint32(a[8:], dispersion)
	if !s.Set.IsZero() {
		binary.BigEndian.PutUint64(a[16:], stamp(s.Set))
	}
	copy(a[24:32], q[40:48])
	binary.BigEndian.PutUint64(a[32:], stamp(received))
	binary.BigEndian.PutUint64(a[40:], stamp(received))
	return a
}
