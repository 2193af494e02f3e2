package transport

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

var errNotYet = errors.New("not written yet")

// epoch is where the clock of [Now] starts.
var epoch = time.Now()

// Now is the bridge's monotonic clock in nanoseconds. The readers read it
// once for each batch and hand it to the peers.
func Now() int64 { return int64(time.Since(epoch)) }

// Port is the one UDP port that all sessions share.
type Port struct{}

// Open binds the sockets. Nothing is read before [Port.Serve].
func Open(Config) (*Port, error) { return nil, errNotYet }

// Serve reads until ctx ends, then closes all sessions and sockets and waits
// for every goroutine it or a session started.
func (p *Port) Serve(ctx context.Context) error { return errNotYet }

// SetAddresses follows a change of the machine's addresses. Sessions that
// exist keep the addresses they have, as far as these are still there; new
// sessions offer the new ones.
func (p *Port) SetAddresses([]netip.Addr) error { return errNotYet }

// LocalPort is the number of the bound port.
func (p *Port) LocalPort() int { return 0 }

// NewSession starts a session: it answers connectivity checks from now on,
// and sends its own as soon as [Session.SetRemote] has named the remote user
// fragment and password.
func (p *Port) NewSession(Options, Peer) (*Session, error) { return nil, errNotYet }

// NewBatch is for goroutines other than the readers, that is, timers. A batch
// belongs to one goroutine at a time. It is expensive (a megabyte of address
// space): make few and keep them.
func (p *Port) NewBatch() *Batch { return nil }
