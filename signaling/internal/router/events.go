package router

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// maxEvents is how many are kept: a day of a busy box.
const maxEvents = 2048

// events are the last things that happened in meetings, as the administrator
// reads them. Those since the last snapshot come back with a replay.
type events struct {
	count uint64   // ever
	lines [][]byte // JSON; the newest has number count
}

// add keeps an event; args are keys and values as slog has them.
func (e *events) add(at time.Time, what string, args []any) {
	e.count++
	line := map[string]any{"number": e.count, "at": at.UTC(), "event": what}
	for i := 0; i+1 < len(args); i += 2 {
		if key, ok := args[i].(string); ok {
			line[key] = args[i+1]
		}
	}
	b, err := json.Marshal(line)
	if err != nil {
		b = []byte(`{}`) // text and numbers: cannot happen
	}
	if len(e.lines) == maxEvents {
		e.lines = append(e.lines[:0], e.lines[maxEvents/4:]...)
	}
	e.lines = append(e.lines, b)
}

// tell keeps an event about somebody's connection for each room that it is in.
// A replay does not know of it: connections are no part of the state.
func (r *Router) tell(s *Session, what string, args ...any) {
	for _, seat := range r.rooms.Seats(s) {
		r.events.add(time.Now(), what, append([]any{"room", seat.Room.String(), "meeting", seat.Meeting, "endpoint", seat.Nick}, args...))
	}
}

// after are those with higher numbers.
func (e *events) after(number uint64) [][]byte {
	if number >= e.count {
		return nil
	}
	n := min(e.count-number, uint64(len(e.lines)))
	return append([][]byte(nil), e.lines[uint64(len(e.lines))-n:]...)
}

// ServeEvents answers with a line of JSON for each event whose number is
// higher than the query's "after".
func (r *Router) ServeEvents(w http.ResponseWriter, req *http.Request) {
	var after uint64
	if v := req.URL.Query().Get("after"); v != "" {
		var err error
		if after, err = strconv.ParseUint(v, 10, 64); err != nil {
			http.Error(w, `"after" is the number of an event`, http.StatusBadRequest)
			return
		}
	}
	r.mu.Lock()
	lines := r.events.after(after)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	for _, l := range lines {
		if _, err := w.Write(append(l[:len(l):len(l)], '\n')); err != nil {
			return // who asked has gone
		}
	}
}
