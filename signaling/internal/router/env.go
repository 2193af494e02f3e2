package router

import (
	"fmt"
	"log/slog"
	"time"
)

// env is the router as its rooms see it.
type env Router

func (e *env) Now() time.Time { return e.now }

func (e *env) NewID() string { return (*Router)(e).newID() }

func (e *env) Event(msg string, args ...any) {
	e.events.add(e.now, msg, args)
	(*Router)(e).logger().Info(msg, args...)
}

func (e *env) Count(what string) { e.meter.drop(what) }

func (r *Router) logger() *slog.Logger {
	if r.replaying {
		return r.quiet
	}
	return r.log
}

// newID makes a UUID that a replay makes again.
func (r *Router) newID() string {
	r.ids++
	b := r.derive(r.event, r.ids)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
