package front

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestMoving: a file that comes in for longer than other requests may, and goes
// out for longer, arrives whole, over HTTP/1.1 and HTTP/2.
func TestMoving(t *testing.T) {
	t.Parallel()
	const usual = time.Second // enough to shake hands in
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(moving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				if err := c.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
					t.Error(err)
				}
				b := make([]byte, 1)
				for {
					if n, err := r.Body.Read(b); err == io.EOF {
						break
					} else if err != nil {
						t.Errorf("the file was cut: %v", err)
						return
					} else if _, err := w.Write(b[:n]); err != nil {
						t.Errorf("the answer was cut: %v", err)
						return
					}
					if err := c.Flush(); err != nil {
						t.Errorf("the answer was cut: %v", err)
						return
					}
				}
			}), time.Minute, time.Minute))
			srv.Config.ReadTimeout, srv.Config.WriteTimeout = usual, usual
			srv.EnableHTTP2 = version == 2
			srv.StartTLS()
			t.Cleanup(srv.Close)
			body, in := io.Pipe()
			go func() {
				for _, part := range []string{"first ", "second ", "third"} {
					_, _ = io.WriteString(in, part)
					<-time.After(2 * usual) // what is shown is that this time is given
				}
				_ = in.Close()
			}()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			a, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Body.Close()
			var got strings.Builder
			if _, err := io.Copy(&got, a.Body); err != nil || got.String() != "first second third" || a.ProtoMajor != version {
				t.Errorf("%s: %q, %v", a.Proto, got.String(), err)
			}
		})
	}
}
