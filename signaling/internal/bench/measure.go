package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// warmUp is how many guests come, talk and leave again before anything is
// measured: what a program takes once for its first work is not a session's.
const warmUp = 10

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
	idle, err := s.memory("VmRSS")
	if err != nil {
		return r, err
	}
	w := load{rooms: 1, occupants: warmUp, joins: l.joins, rate: l.rate, updates: warmUp, chats: warmUp}
	if _, err := s.meet(ctx, w, (*crowd).leave); err != nil {
		return r, fmt.Errorf("the first guests: %w", err)
	}
	before, err := s.memory("VmRSS")
	if err == nil {
		err = s.forgetPeak()
	}
	if err != nil {
		return r, err
	}
	if r, err = s.meet(ctx, l, (*crowd).cut); err != nil {
		return r, err
	}
	peak, err := s.memory("VmHWM")
	r.once, r.memory = before-idle, (peak-before)/float64(l.rooms*l.occupants)
	return r, err
}

// meet lets guests come, join and talk, and ends what is left of them with part.
func (s *server) meet(ctx context.Context, l load, part func(*crowd) error) (r result, err error) {
	c := newCrowd(s)
	defer func() { err = errors.Join(err, part(c)) }()
	for i := range l.rooms * l.occupants {
		if err := c.enter(room(i / l.occupants)); err != nil {
			return r, err
		}
	}
	all := len(c.clients)
	// Everybody is told of everybody in the room, and of who has made it.
	if r.join, err = c.phase(ctx, all*(l.occupants+1), all, l.joins, func(i int) error {
		return c.clients[i].send(c.clients[i].presence("", true))
	}); err != nil {
		return r, fmt.Errorf("join: %w", err)
	}
	if r.update, err = c.phase(ctx, l.updates*l.occupants, l.updates, l.rate, func(i int) error {
		return c.clients[i*7%all].send(c.clients[i*7%all].presence(stamp(), false))
	}); err != nil {
		return r, fmt.Errorf("updates: %w", err)
	}
	if r.chat, err = c.phase(ctx, l.chats*l.occupants, l.chats, l.rate, func(i int) error {
		return c.clients[i*7%all].send(c.clients[i*7%all].message(stamp()))
	}); err != nil {
		return r, fmt.Errorf("messages: %w", err)
	}
	return r, nil
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
