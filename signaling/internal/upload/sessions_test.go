package upload

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const meeting = "7c1f0e52-0000-4000-8000-00000000000a"

// form is what Jitsi Meet sends: the description, then the file.
func form(t testing.TB, about, file string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("metadata", about); err != nil {
		t.Fatal(err)
	}
	p, err := w.CreateFormFile("file", "plan.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(p, file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// call answers one request without a network, so that a test sees what Box does.
func call(t testing.TB, b *Box, method, path, token, kind, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://meetbox.local:8443"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func tokenOf(t testing.TB, b *Box, p Pass, life time.Duration) string {
	t.Helper()
	token, err := b.Token(p, time.Now().Add(life))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSessions(t *testing.T) {
	t.Parallel()
	b, _ := open(t, t.TempDir())
	other, _ := open(t, t.TempDir())
	ann := Pass{Meeting: meeting, Owner: "ann@meet.jitsi/1"}
	good, bob := tokenOf(t, b, ann, time.Hour), tokenOf(t, b, Pass{Meeting: meeting, Owner: "bob@meet.jitsi/1"}, time.Hour)
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"aud": Audience, "exp": time.Now().Add(time.Hour).Unix(), "meeting_id": meeting}).
		SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	files := sessionsPath + meeting + "/files"
	one := files + "/" + id
	about := `{"fileId":"` + id + `","fileName":"plan ä.txt","fileSize":5,"fileType":"txt","timestamp":7,"authorParticipantId":"ann"}`
	body, kind := form(t, about, "12345")
	short, shortKind := form(t, strings.Replace(about, id, strings.Replace(id, "1e", "3e", 1), 1), "1234")
	long, longKind := form(t, strings.Replace(about, id, strings.Replace(id, "1e", "3e", 1), 1), "123456")
	large, largeKind := form(t, strings.Replace(about, `"fileSize":5`, `"fileSize":101`, 1), "12345")
	full, fullKind := form(t, strings.Replace(strings.Replace(about, `"fileSize":5`, `"fileSize":100`, 1), id, strings.Replace(id, "1e", "4e", 1), 1), "12345")
	named, namedKind := form(t, strings.Replace(about, id, "../im.db", 1), "12345")
	if err := b.Reserve(strings.Replace(id, "1e", "5e", 1), "slot", "", 50, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, method, path, token, kind, body string
		status                                int
	}{
		{"no token", "POST", files, "", kind, body, 401},
		{"another box's token", "POST", files, tokenOf(t, other, ann, time.Hour), kind, body, 401},
		{"an old token", "POST", files, tokenOf(t, b, ann, -time.Second), kind, body, 401},
		{"a token that nobody signed", "POST", files, none, kind, body, 401},
		{"another meeting's token", "POST", files, tokenOf(t, b, Pass{Meeting: "x", Owner: ann.Owner}, time.Hour), kind, body, 403},
		{"no form", "POST", files, good, "text/plain", "12345", 415},
		{"a form of something else", "POST", files, good, kind, strings.Replace(body, `name="metadata"`, `name="x"`, 1), 400},
		{"a form without its end", "POST", files, good, kind, body[:40], 400},
		{"too large", "POST", files, good, largeKind, large, 413},
		{"a path for an id", "POST", files, good, namedKind, named, 409},
		{"fewer bytes", "POST", files, good, shortKind, short, 400},
		{"more bytes", "POST", files, good, longKind, long, 400},
		{"before it is there", "GET", one, good, "", "", 404},
		{"as announced", "POST", files, good, kind, body, 201},
		{"again", "POST", files, bob, kind, body, 409},
		{"over the quota", "POST", files, good, fullKind, full, 507},
		{"PUT", "PUT", one, good, "", "12345", 405},
		{"elsewhere", "GET", sessionsPath + meeting + "/files/../x", good, "", "", 404},
		{"deleted by another", "DELETE", one, bob, "", "", 403},
	} {
		if w := call(t, b, tc.method, tc.path, tc.token, tc.kind, tc.body); w.Code != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.name, w.Code, w.Body, tc.status)
		}
	}
	w := call(t, b, "GET", one, bob, "", "")
	var where struct{ FileName, PresignedURL string }
	if err := json.Unmarshal(w.Body.Bytes(), &where); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	const address = "https://meetbox.local:8443"
	path, ours := strings.CutPrefix(where.PresignedURL, address)
	if where.FileName != "plan ä.txt" || !ours {
		t.Errorf("where = %+v", where)
	}
	if w := call(t, b, "GET", path, "", "", ""); w.Code != 200 || w.Body.String() != "12345" {
		t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
	}
	for range 2 { // its list has deleted it before
		if w := call(t, b, "DELETE", one, good, "", ""); w.Code != 204 {
			t.Errorf("DELETE: %d %s", w.Code, w.Body)
		}
	}
	if list, used := b.List(); len(list) != 0 || used != 50 { // the slot's
		t.Errorf("%d files, %d bytes are left", len(list), used)
	}
	b.SetRules(Rules{})
	if w := call(t, b, "POST", files, good, kind, body); w.Code != 403 {
		t.Errorf("off: %d %s", w.Code, w.Body)
	}
}

// TestSentTwice: the second of two that send a file of one id is refused, and
// costs the first nothing.
func TestSentTwice(t *testing.T) {
	t.Parallel()
	b, _ := open(t, t.TempDir())
	if err := b.Reserve(id, "a", "", 5, time.Now()); err != nil {
		t.Fatal(err)
	}
	body, in := io.Pipe()
	first := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.fill(first, id, body)
	}()
	if _, err := io.WriteString(in, "123"); err != nil { // it is being read
		t.Fatal(err)
	}
	if err := b.Reserve(id, "a", "", 5, time.Now()); err == nil {
		t.Error("the id was given away")
	}
	second := httptest.NewRecorder()
	b.fill(second, id, strings.NewReader("54321"))
	if second.Code != http.StatusConflict {
		t.Errorf("second: %d", second.Code)
	}
	if _, err := io.WriteString(in, "45"); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	w := call(t, b, "GET", Path+id+"/a", "", "", "")
	if first.Code != http.StatusCreated || w.Body.String() != "12345" {
		t.Errorf("first: %d, %q", first.Code, w.Body)
	}
}

// FuzzForm: whatever is sent as a form is refused or kept whole, within the
// limits.
func FuzzForm(f *testing.F) {
	body, kind := form(f, `{"fileId":"`+id+`","fileName":"a","fileSize":5}`, "12345")
	f.Add(kind, body)
	f.Add(kind, body[:90])
	f.Add("multipart/form-data; boundary=x", "--x\r\n\r\n{}\r\n--x--")
	f.Fuzz(func(t *testing.T, kind, body string) {
		b, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		b.SetRules(Rules{Bytes: 100, Quota: 150, Life: time.Hour})
		w := call(t, b, "POST", sessionsPath+meeting+"/files", tokenOf(t, b, Pass{Meeting: meeting, Owner: "ann@meet.jitsi/1"}, time.Hour), kind, body)
		list, used := b.List()
		if (w.Code == http.StatusCreated) != (len(list) == 1) || used > 100 || len(list) == 0 && used != 0 {
			t.Errorf("%d: %d files, %d bytes", w.Code, len(list), used)
		}
	})
}
