package transport

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/sctp"
)

// datagrams is one end of a way for datagrams that loses none.
type datagrams struct {
	in, out   chan []byte
	closed    chan struct{}
	closeOnce *sync.Once
	tag       uint32 // of the other side, as seen in what goes out
	mu        sync.Mutex
}

func datagramPair() (a, b *datagrams) {
	one, two := make(chan []byte, 1024), make(chan []byte, 1024)
	closed, once := make(chan struct{}), new(sync.Once)
	return &datagrams{in: one, out: two, closed: closed, closeOnce: once}, &datagrams{in: two, out: one, closed: closed, closeOnce: once}
}

func (d *datagrams) Read(b []byte) (int, error) {
	select {
	case p := <-d.in:
		return copy(b, p), nil
	case <-d.closed:
		return 0, net.ErrClosed
	}
}

func (d *datagrams) Write(b []byte) (int, error) {
	if len(b) >= 12 {
		if t := binary.BigEndian.Uint32(b[4:]); t != 0 {
			d.mu.Lock()
			d.tag = t
			d.mu.Unlock()
		}
	}
	select {
	case d.out <- append([]byte(nil), b...):
		return len(b), nil
	case <-d.closed:
		return 0, net.ErrClosed
	}
}

func (d *datagrams) Close() error                     { d.closeOnce.Do(func() { close(d.closed) }); return nil }
func (d *datagrams) LocalAddr() net.Addr              { return &net.UDPAddr{} }
func (d *datagrams) RemoteAddr() net.Addr             { return &net.UDPAddr{} }
func (d *datagrams) SetDeadline(time.Time) error      { return nil }
func (d *datagrams) SetReadDeadline(time.Time) error  { return nil }
func (d *datagrams) SetWriteDeadline(time.Time) error { return nil }

// inject sends chunks as a packet of the client's association, whose sum is
// right: others do not come as far as anything of interest.
func (d *datagrams) inject(chunks []byte) {
	p := make([]byte, 12, 12+len(chunks))
	binary.BigEndian.PutUint16(p, sctpPort)
	binary.BigEndian.PutUint16(p[2:], sctpPort)
	d.mu.Lock()
	binary.BigEndian.PutUint32(p[4:], d.tag)
	d.mu.Unlock()
	p = append(p, chunks...)
	binary.LittleEndian.PutUint32(p[8:], crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
	_, _ = d.Write(p)
}

// FuzzSCTP: a client with an association of its own sends any DATA_CHANNEL_OPEN,
// any message of any kind, and then any chunks. We live; only text comes
// through, whole; and when the way is gone, so is all that served it.
func FuzzSCTP(f *testing.F) {
	openDCEP := []byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	f.Add(openDCEP, []byte("hello"), uint8(sctp.PayloadTypeWebRTCString), []byte{0, 3, 0, 4})
	f.Add(openDCEP, []byte("binary"), uint8(sctp.PayloadTypeWebRTCBinary), []byte{6, 0, 0, 4})
	f.Add([]byte{3}, []byte{2}, uint8(sctp.PayloadTypeWebRTCDCEP), []byte{130, 0, 0, 20, 0, 13, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Add(openDCEP, []byte{}, uint8(sctp.PayloadTypeWebRTCStringEmpty), []byte{192, 0, 0, 8, 0, 0, 0, 9})
	p := openPort(f)
	s, err := p.NewSession(Options{Controlling: true, SCTP: true}, newRecorder())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close(); s.Wait() })
	f.Fuzz(func(t *testing.T, open, text []byte, kind uint8, chunks []byte) {
		here, there := datagramPair()
		ctx, cancel := context.WithCancel(context.Background())
		events := make(chan event)
		served := make(chan struct{})
		go func() { s.serveSCTP(ctx, here, events); close(served) }()
		var got []event
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			for {
				select {
				case e := <-events:
					got = append(got, e)
				case <-served:
					return
				}
			}
		}()
		if client, err := sctp.ClientWithOptions(sctp.WithNetConn(there), sctp.WithLoggerFactory(silent())); err != nil {
			t.Errorf("no association: %v", err)
		} else {
			if stream, err := client.OpenStream(1, sctp.PayloadTypeWebRTCBinary); err == nil && len(open) > 0 {
				_, _ = stream.WriteSCTP(open, sctp.PayloadTypeWebRTCDCEP)
				if len(text) > 0 {
					_, _ = stream.WriteSCTP(text, sctp.PayloadProtocolIdentifier(kind))
				}
			}
			there.inject(chunks)
			there.inject(chunks)
			// What follows is answered when all before it was read.
			_ = client.Shutdown(soon(t))
			_ = client.Close()
		}
		cancel()
		_ = here.Close()
		next(t, "all ends", served)
		<-heard
		for i, e := range got {
			switch {
			case e.kind == message && (i == 0 || got[0].kind != opened):
				t.Errorf("message %q of a channel that is not open", e.text)
			case e.kind == message && len(e.text) > maxMessage:
				t.Errorf("message of %d bytes", len(e.text))
			}
		}
		if n := len(got); n > 0 && got[n-1].kind != closed {
			t.Errorf("the last event is %v, not the end of the channel", got[n-1].kind)
		}
	})
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
