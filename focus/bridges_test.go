package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/focus/internal/conference"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/stanza"
)

// realBridge is the bridge's whole program, in a folder of its own.
func (w *world) realBridge(id string) *process {
	w.t.Helper()
	run := filepath.Join(w.dir, id)
	if err := os.Mkdir(run, 0o700); err != nil {
		w.t.Fatal(err)
	}
	login := w.login("jvb", id)
	login.CA = filepath.Join(run, "xmpp.crt") // it sees no other folder
	if err := os.Link(w.path("xmpp.crt"), login.CA); err != nil {
		w.t.Fatal(err)
	}
	w.write(filepath.Join(id, "bridge.json"), map[string]any{
		"id": id, "xmpp": login, "brewery": breweryRoom, "region": "north",
		"media": map[string]any{"port": 0, "addresses": []string{"127.0.0.1"}}, "websocket": map[string]any{"domains": []string{"localhost"}},
	})
	p := &process{t: w.t, cmd: func() *exec.Cmd { return exec.Command(os.Getenv(bridgeBinary), "-run", run) }}
	p.start()
	return p
}

// control asks a control socket for a page.
func (w *world) control(method, socket, path string) (int, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://ctl"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := ctl.Client(w.path(socket)).Do(r)
	if err != nil {
		return 0, nil // not there yet
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.StatusCode, b
}

// bridges are those that the focus knows, once the test likes them.
func (w *world) bridges(what string, like func([]conference.Bridge) bool) []conference.Bridge {
	w.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var list []conference.Bridge
		code, b := w.control(http.MethodGet, "ctl/focus.sock", "/bridges")
		if code == http.StatusOK {
			if err := json.Unmarshal(b, &list); err != nil {
				w.t.Fatal(err)
			}
			if like(list) {
				return list
			}
		}
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("%s did not come; the focus knows %+v", what, list)
		}
	}
}

func busy(list []conference.Bridge) string {
	for _, b := range list {
		if b.Conferences > 0 {
			return b.Name
		}
	}
	return ""
}

// Two bridges: one that is killed is replaced by the other before anybody can
// wonder, one that drains gets nothing new, and may be emptied.
func TestTwoBridges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	processes := map[string]*process{"one": w.realBridge("one"), "two": w.realBridge("two")}
	w.bridges("two bridges", func(l []conference.Bridge) bool {
		return len(l) == 2 && l[0].Usable && l[1].Usable && l[0].Region == "north"
	})
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, rewriting())
	offers := meet(ann, bob, "demo")
	first := busy(w.bridges("a busy bridge", func(l []conference.Bridge) bool { return busy(l) != "" }))
	processes[first].kill()
	killed := time.Now()
	for i, p := range []*peer{ann, bob} {
		if end := p.jingle(jingle.SessionTerminate); end.SID != offers[i].SID || end.Reason.Text != "moving" {
			t.Errorf("%s: session ended by %+v", p.nick(), end)
		}
		offers[i] = p.jingle(jingle.SessionInitiate)
		p.accept(offers[i])
	}
	if took := time.Since(killed); took > 3*time.Second {
		t.Errorf("moved after %v", took)
	}
	second := busy(w.bridges("the other, alone", func(l []conference.Bridge) bool { return len(l) == 1 && l[0].Conferences == 1 }))
	processes[first].start()
	w.bridges("the first again", func(l []conference.Bridge) bool { return len(l) == 2 && l[0].Usable && l[1].Usable })

	// Draining: what is there stays, what is new goes elsewhere.
	empty := "/bridges/" + second + "/evacuate"
	if code, b := w.control(http.MethodPost, "ctl/focus.sock", empty); code != http.StatusConflict {
		t.Errorf("a bridge that does not drain is emptied: %d %s", code, b)
	}
	if code, b := w.control(http.MethodPost, second+"/ctl/bridge.sock", "/colibri/drain/enable"); code != http.StatusOK {
		t.Fatalf("drain: %d %s", code, b)
	}
	w.bridges("the draining one", func(l []conference.Bridge) bool {
		return slices.ContainsFunc(l, func(b conference.Bridge) bool { return b.Name == second && b.Draining })
	})
	cy, dan := w.guest(3000, classicJSON()), w.guest(4000, classicJSON())
	meet(cy, dan, "other")
	w.bridges("one conference each", func(l []conference.Bridge) bool { return l[0].Conferences == 1 && l[1].Conferences == 1 })
	ann.refused("", ann.focus(), jingle.Jingle{Action: jingle.TransportInfo, SID: offers[0].SID, Contents: []jingle.Content{
		{Name: "audio", Transport: &jingle.Transport{Ufrag: "x", Pwd: "y"}},
	}})

	if code, b := w.control(http.MethodPost, "ctl/focus.sock", empty); code != http.StatusOK {
		t.Fatalf("evacuate: %d %s", code, b)
	}
	for _, p := range []*peer{ann, bob} {
		p.jingle(jingle.SessionTerminate)
		p.accept(p.jingle(jingle.SessionInitiate))
	}
	w.bridges("an empty bridge", func(l []conference.Bridge) bool {
		return slices.ContainsFunc(l, func(b conference.Bridge) bool { return b.Name == second && b.Conferences == 0 })
	})
	cy.never("a move", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionTerminate })
	if code, b := w.control(http.MethodPost, "ctl/focus.sock", "/bridges/"+first+"/evacuate"); code != http.StatusConflict {
		t.Errorf("the only one is emptied: %d %s", code, b)
	}
	if _, b := w.control(http.MethodGet, "ctl/focus.sock", "/conferences"); !json.Valid(b) || len(b) < 100 {
		t.Errorf("conferences: %s", b)
	}
}

// A bridge that hangs, without dying, is left to itself when there is another.
func TestBridgeHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	processes := map[string]*process{"one": w.realBridge("one"), "two": w.realBridge("two")}
	w.bridges("two bridges", func(l []conference.Bridge) bool { return len(l) == 2 && l[0].Usable && l[1].Usable })
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	meet(ann, bob, "demo")
	first := busy(w.bridges("a busy bridge", func(l []conference.Bridge) bool { return busy(l) != "" }))
	if err := processes[first].now.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*peer{ann, bob} {
		if end := p.jingle(jingle.SessionTerminate); end.Reason.Text != "moving" {
			t.Errorf("%s: session ended by %+v", p.nick(), end)
		}
		p.accept(p.jingle(jingle.SessionInitiate))
	}
	if err := processes[first].now.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.bridges("the first again", func(l []conference.Bridge) bool {
		return len(l) == 2 && l[0].Usable && l[1].Usable && busy(l) != first
	})
}
