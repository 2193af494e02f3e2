package router

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meetbox.local/signaling/internal/upload"
)

// TestFileTakenOff: a file that its author takes off the meeting's list is
// deleted, so that its bytes do not count any more; nobody else can do that.
func TestFileTakenOff(t *testing.T) {
	t.Parallel()
	r := open(t, "")
	box, err := upload.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	box.SetRules(upload.Rules{Bytes: 10, Quota: 10, Life: time.Hour})
	r.Files = box
	const id = "0f6a3c1e-0000-4000-8000-000000000001"
	if err := box.Reserve(id, "a.txt", "", 5, time.Now()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	box.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, upload.Path+id+"/a.txt", strings.NewReader("12345")))
	if w.Code != http.StatusCreated {
		t.Fatal(w.Code, w.Body)
	}
	focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
	ann, bob, cy := join(t, r, "ann", "meet.jitsi", "1", ""), join(t, r, "bob", "meet.jitsi", "1", ""), join(t, r, "cy", "meet.jitsi", "1", "")
	focus.enter("focus")
	ann.enter("ann")
	bob.enter("bob")
	cy.enter("cy")
	order := func(p *peer, attributes, text string) {
		t.Helper()
		err := p.say(`<message to="filesharing.meet.jitsi"><file-sharing xmlns="http://jitsi.org/jitmeet" %s>%s</file-sharing></message>`, attributes, text)
		if err != nil {
			t.Fatal(err)
		}
	}
	files := func() int {
		list, _ := box.List()
		return len(list)
	}
	order(bob, `type="add"`, `{"fileId":"`+id+`","fileName":"a.txt","fileSize":5}`)
	order(cy, `type="remove" fileId="`+id+`"`, "")
	order(cy, `type="remove" fileId=""`, "")
	if files() != 1 {
		t.Fatal("somebody else deleted it")
	}
	order(bob, `type="remove" fileId="`+id+`"`, "")
	if n := files(); n != 0 {
		t.Fatalf("%d files are left", n)
	}
	if err := box.Reserve(strings.Replace(id, "1e", "2e", 1), "b", "", 10, time.Now()); err != nil {
		t.Errorf("there is no room after it: %v", err)
	}
}
