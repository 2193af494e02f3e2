package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/signaling/xmpp/convo"
)

func quantile(all []float64, q float64) float64 {
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// account lets convo's client log in.
type account struct{ *server }

func (a account) TCP(ctx context.Context) (convo.Wire, error) {
	return convo.DialTCP(ctx, a.tcp, a.tls)
}

func (a account) Password(string) string { return password }

// measure runs the load against a fresh server.
func measure(ctx context.Context, name, binary string, l load) (r result, err error) {
	s, err := start(name, binary)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	focus, err := s.rooms(ctx, l.rooms)
	if err != nil {
		return r, err
	}
	defer focus.Cut()
	var now atomic.Pointer[tally]
	now.Store(newTally(0))
	var wg sync.WaitGroup
	var clients []*client
	defer wg.Wait()
	defer func() {
		for _, c := range clients {
			_ = c.conn.Close()
		}
	}()
	enter := func(room string) error {
		c, err := dial(s.network, s.address)
		if err != nil {
			return err
		}
		clients = append(clients, c)
		c.room = room
		if err := c.login(); err != nil {
			return err
		}
		wg.Go(func() {
			// It ends with an error in any case.
			if err := c.read(&now); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
				fmt.Println("a client:", err)
			}
		})
		return nil
	}
	before, err := s.memory("VmRSS")
	if err != nil {
		return r, err
	}
	for i := range l.rooms * l.occupants {
		if err := enter(room(i / l.occupants)); err != nil {
			return r, err
		}
	}
	all := len(clients)
	// Everybody is told of everybody in the room, and of who has made it.
	if r.join, err = s.phase(ctx, &now, all*(l.occupants+1), all, l.joins, func(i int) error {
		return clients[i].send(clients[i].presence("", true))
	}); err != nil {
		return r, fmt.Errorf("join: %w", err)
	}
	if r.update, err = s.phase(ctx, &now, l.updates*l.occupants, l.updates, l.rate, func(i int) error {
		return clients[i*7%all].send(clients[i*7%all].presence(stamp(), false))
	}); err != nil {
		return r, fmt.Errorf("updates: %w", err)
	}
	if r.chat, err = s.phase(ctx, &now, l.chats*l.occupants, l.chats, l.rate, func(i int) error {
		return clients[i*7%all].send(clients[i*7%all].message(stamp()))
	}); err != nil {
		return r, fmt.Errorf("messages: %w", err)
	}
	peak, err := s.memory("VmHWM")
	r.memory = (peak - before) / float64(all)
	return r, err
}

func room(i int) string { return fmt.Sprintf("room%d@muc.meet.jitsi", i) }

// rooms makes them, as the focus does.
func (s *server) rooms(ctx context.Context, n int) (*convo.Client, error) {
	focus, err := convo.Account(ctx, account{s}, "focus")
	if err != nil {
		return nil, err
	}
	for i := range n {
		err := focus.Send(ctx, `<presence xmlns="jabber:client" to="`+room(i)+`/focus"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
		if err != nil {
			return nil, err
		}
		if _, err := focus.Next(ctx); err != nil {
			return nil, err
		}
	}
	go func() { // ends with Cut
		for {
			if _, err := focus.Next(context.Background()); err != nil {
				return
			}
		}
	}()
	return focus, nil
}

// phase does something n times at a rate and waits until everybody was told.
func (s *server) phase(ctx context.Context, now *atomic.Pointer[tally], want, n int, rate float64, do func(int) error) (phase, error) {
	t := newTally(want)
	now.Store(t)
	before := s.cpu()
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
	return phase{cpu: s.cpu() - before, deliveries: want, p99: t.p99()}, nil
}
