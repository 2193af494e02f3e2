package router

import (
	"context"
	"time"
)

// Run ends hibernation and lingering in time, until ctx ends.
func (r *Router) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.tick:
		case <-timer.C:
		}
		timer.Reset(r.expire())
	}
}

// poke makes Run look at the deadlines again.
func (r *Router) poke() {
	select {
	case r.tick <- struct{}{}:
	default:
	}
}

// expire does what is due and returns when to look again.
func (r *Router) expire() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	next := now.Add(time.Hour)
	var due []*Session
	for _, s := range r.byNum {
		switch {
		case s.deadline.IsZero():
		case s.deadline.After(now):
			next = earlier(next, s.deadline)
		default:
			due = append(due, s)
		}
	}
	for _, s := range due {
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte("did not come back")})
		r.end(s, "", "did not come back")
	}
	if at := r.nextExpiry(); !at.IsZero() && !at.After(now) {
		r.begin(record{Kind: evExpire})
		r.expired()
	}
	r.settle()
	if at := r.nextExpiry(); !at.IsZero() {
		next = earlier(next, at)
	}
	return max(time.Until(next), time.Millisecond)
}

// expired ends what waits in vain.
func (r *Router) expired() {
	r.breakout.Expire()
	r.rooms.Expire()
	r.parts.Expire()
	r.refuseWaiting()
}

// nextExpiry is when expired has something to do; zero for never.
func (r *Router) nextExpiry() time.Time {
	var next time.Time
	for _, at := range []time.Time{r.rooms.NextExpiry(), r.breakout.NextExpiry(), r.parts.NextExpiry(), r.nextRefusal()} {
		if next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
