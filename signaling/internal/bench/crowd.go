package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is the guests of a server, and what they are told.
type crowd struct {
	server  *server
	clients []*client
	now     atomic.Pointer[tally]
	readers sync.WaitGroup
}

func newCrowd(s *server) *crowd {
	c := &crowd{server: s}
	c.now.Store(newTally(0))
	return c
}

// enter logs a guest in, who is to join a room.
func (c *crowd) enter(room string) error {
	one, err := dial(c.server.network, c.server.address)
	if err != nil {
		return err
	}
	c.clients = append(c.clients, one)
	one.room = room
	if err := one.login(); err != nil {
		return err
	}
	c.readers.Go(func() {
		// It ends with an error in any case.
		if err := one.read(&c.now); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
			fmt.Println("a client:", err)
		}
	})
	return nil
}

// phase does something n times at a rate and waits until everybody was told.
func (c *crowd) phase(ctx context.Context, want, n int, rate float64, do func(int) error) (phase, error) {
	t := newTally(want)
	c.now.Store(t)
	before := c.server.cpu()
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for i := range n {
		select {
		case <-ctx.Done():
			return phase{}, context.Cause(ctx)
		case <-tick.C:
		}
		if err := do(i); err != nil {
			return phase{}, err
		}
	}
	if err := t.wait(ctx); err != nil {
		return phase{}, err
	}
	return phase{cpu: c.server.cpu() - before, deliveries: want, p99: t.p99()}, nil
}

// leave lets all end their streams, and waits until the server has.
func (c *crowd) leave() error {
	var all error
	for _, one := range c.clients {
		all = errors.Join(all, one.leave())
	}
	c.readers.Wait()
	return errors.Join(all, c.cut())
}

// cut ends the connections without a word.
func (c *crowd) cut() error {
	for _, one := range c.clients {
		_ = one.conn.Close() // it may have ended by itself
	}
	c.readers.Wait()
	return nil
}
