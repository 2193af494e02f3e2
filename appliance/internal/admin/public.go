package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"meetbox.local/appliance/api"
)

// public reads and checks the strict JSON that a meeting's page sent, of at
// most limit bytes; not ok: it has been answered, with what it is not.
func public[Q api.Section](w http.ResponseWriter, r *http.Request, limit int64, not string) (q Q, ok bool) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	d.DisallowUnknownFields()
	err := d.Decode(&q)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is more than one document")
		}
	}
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		writeProblem(w, api.Problem{Status: http.StatusBadRequest, Code: "invalid", Detail: not})
		return q, false
	}
	if err := q.Validate(); err != nil {
		writeProblem(w, explain(err))
		return q, false
	}
	return q, true
}
