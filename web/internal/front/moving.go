package front

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// moving gives a request and its answer all the time that they take, as long
// as something moves: a large file over a slow Wi-Fi takes minutes. read and
// write are how long nothing may.
func moving(next http.Handler, read, write time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		m := &motion{touch: func(now time.Time) {
			// Whoever has no deadlines needs none moved.
			_ = c.SetReadDeadline(now.Add(read))
			_ = c.SetWriteDeadline(now.Add(write))
		}}
		r.Body = &movingBody{r.Body, m}
		next.ServeHTTP(&movingWriter{w, m}, r)
	})
}

// motion is when something last moved. Body and answer move at once.
type motion struct {
	last  atomic.Int64 // ns since 1970
	touch func(time.Time)
}

// step is how far a deadline may be behind; setting one costs a little.
const step = time.Second

func (m *motion) mark() {
	now := time.Now()
	last := m.last.Load()
	if now.UnixNano()-last >= int64(step) && m.last.CompareAndSwap(last, now.UnixNano()) {
		m.touch(now)
	}
}

type movingBody struct {
	io.ReadCloser
	motion *motion
}

func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.motion.mark()
	}
	return n, err
}

type movingWriter struct {
	http.ResponseWriter
	motion *motion
}

// Unwrap is for [http.ResponseController].
func (w *movingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *movingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	if n > 0 {
		w.motion.mark()
	}
	return n, err
}
