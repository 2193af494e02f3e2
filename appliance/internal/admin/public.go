package admin

import (
	"net/http"
)

// public reads and checks the JSON of at most limit bytes that a meeting's
// page sent, like a console's; not ok: it has been answered, with what is wrong.
func public[Q any](w http.ResponseWriter, r *http.Request, limit int64) (q Q, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	q, err := decode[Q](&Call{Request: r})
	if err != nil {
		writeProblem(w, explain(err))
	}
	return q, err == nil
}
