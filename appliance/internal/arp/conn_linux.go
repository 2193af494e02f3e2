package arp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

const (
	// RFC 5227 takes three probes, one to two seconds apart: ten seconds in
	// which a meeting could not be joined. A device answers within
	// milliseconds; one that sleeps is found by Watch later.
	probes    = 3
	probeWait = 200 * time.Millisecond
)

// Conn sends and hears ARP on one link.
type Conn struct {
	conn *packet.Conn
	own  net.HardwareAddr
}

// Listen opens the link.
func Listen(link *net.Interface) (*Conn, error) {
	c, err := packet.Listen(link, packet.Datagram, unix.ETH_P_ARP, nil)
	if err != nil {
		return nil, fmt.Errorf("ARP on %s: %w", link.Name, err)
	}
	return &Conn{c, link.HardwareAddr}, nil
}

// Close ends whoever waits.
func (c *Conn) Close() error { return c.conn.Close() }

// Probe asks who has the address; nil: nobody who answers.
func (c *Conn) Probe(ctx context.Context, addr netip.Addr) (net.HardwareAddr, error) {
	for range probes {
		if err := c.send(message{op: request, sender: c.own, targetAddr: addr}); err != nil {
			return nil, err
		}
		who, err := c.hear(ctx, addr, time.Now().Add(probeWait), true)
		if who != nil || err != nil {
			return who, err
		}
	}
	return nil, nil
}

// Announce tells everybody that the address is ours now.
func (c *Conn) Announce(addr netip.Addr) error {
	return c.send(message{op: request, sender: c.own, senderAddr: addr, targetAddr: addr})
}

// Watch waits until somebody else uses the address, or ctx ends.
func (c *Conn) Watch(ctx context.Context, addr netip.Addr) (net.HardwareAddr, error) {
	return c.hear(ctx, addr, time.Time{}, false)
}

func (c *Conn) send(m message) error {
	_, err := c.conn.WriteTo(m.bytes(), &packet.Addr{HardwareAddr: net.HardwareAddr{255, 255, 255, 255, 255, 255}})
	if err != nil {
		return fmt.Errorf("ARP: %w", err)
	}
	return nil
}

// hear returns who claims the address until the time, nil when nobody does.
func (c *Conn) hear(ctx context.Context, addr netip.Addr, until time.Time, wanting bool) (net.HardwareAddr, error) {
	if err := c.conn.SetReadDeadline(until); err != nil {
		return nil, fmt.Errorf("ARP: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b := make([]byte, 128)
	for {
		n, _, err := c.conn.ReadFrom(b)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, nil
		case errors.Is(err, unix.ENETDOWN):
			if until.IsZero() {
				return nil, fmt.Errorf("ARP: %w", err)
			}
			continue // nobody answers on a link that is down
		case err != nil:
			return nil, fmt.Errorf("ARP: %w", err)
		}
		if m, err := parse(b[:n]); err == nil && m.claims(addr, c.own, wanting) {
			return m.sender, nil
		}
	}
}
