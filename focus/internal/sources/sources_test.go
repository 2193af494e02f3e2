package sources

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
)

// camera is a simulcast camera of three layers with retransmission.
func camera(owner string, first uint32) Set {
	var s Set
	msid := owner + "-stream " + owner + "-track"
	for i := range uint32(6) {
		s.Sources = append(s.Sources, Source{SSRC: first + i, Media: Video, Name: owner + "-v0", MSID: msid})
	}
	s.Groups = []Group{
		{sim, Video, []uint32{first, first + 1, first + 2}},
		{fid, Video, []uint32{first, first + 3}},
		{fid, Video, []uint32{first + 1, first + 4}},
		{fid, Video, []uint32{first + 2, first + 5}},
	}
	return s
}

func microphone(owner string, ssrc uint32) Set {
	return Set{Sources: []Source{{SSRC: ssrc, Media: Audio, Name: owner + "-a0", MSID: owner + "-stream " + owner + "-mic"}}}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	one := func(s Source) Set { return Set{Sources: []Source{s}} }
	many := func(n int) Set {
		var s Set
		for i := range n {
			s.Sources = append(s.Sources, Source{SSRC: uint32(5000 + i), Media: Video, Name: "ann-v0"})
		}
		return s
	}
	for _, tc := range []struct {
		name string
		add  Set
		want string // in the refusal; empty: accepted
	}{
		{"camera", camera("ann", 100), ""},
		{"microphone with the camera's msid", one(Source{SSRC: 9, Media: Audio, Name: "ann-a0", MSID: "ann-stream ann-track"}), ""},
		{"nothing", Set{}, ""},
		{"twenty", many(20), ""},
		{"too many", many(21), "more than 20 SSRCs"},
		{"zero", one(Source{Media: Video, Name: "ann-v0"}), "invalid SSRC"},
		{"another's SSRC", one(Source{SSRC: 1, Media: Video, Name: "ann-v0"}), "already used: 1"},
		{"twice", Set{Sources: []Source{{SSRC: 7, Media: Audio, Name: "ann-a0"}, {SSRC: 7, Media: Audio, Name: "ann-a0"}}}, "already used: 7"},
		{"another's msid", one(Source{SSRC: 7, Media: Video, Name: "ann-v0", MSID: "bob-stream bob-track"}), "msid is already used"},
		{"another's name", one(Source{SSRC: 7, Media: Video, Name: "bob-v0"}), "not the sender's"},
		{"name of the other medium", one(Source{SSRC: 7, Media: Video, Name: "ann-a0"}), "not the sender's"},
		{"name without number", one(Source{SSRC: 7, Media: Video, Name: "ann-v"}), "not the sender's"},
		{"FID of three", Set{
			Sources: camera("ann", 100).Sources,
			Groups:  []Group{{fid, Video, []uint32{100, 101, 102}}},
		}, "FID group of 3"},
		{"group of the unknown", Set{Groups: []Group{{sim, Video, []uint32{100, 101}}}}, "not signalled: 100"},
		{"group without msid", Set{
			Sources: []Source{{SSRC: 7, Media: Video, Name: "ann-v0"}, {SSRC: 8, Media: Video, Name: "ann-v0"}},
			Groups:  []Group{{fid, Video, []uint32{7, 8}}},
		}, "no msid"},
		{"group of two msids", Set{
			Sources: []Source{{SSRC: 7, Media: Video, Name: "ann-v0", MSID: "a b"}, {SSRC: 8, Media: Video, Name: "ann-v0", MSID: "c d"}},
			Groups:  []Group{{fid, Video, []uint32{7, 8}}},
		}, "different msids"},
		{"one msid, two groups", Set{Sources: []Source{
			{SSRC: 7, Media: Video, Name: "ann-v0", MSID: "a b"}, {SSRC: 8, Media: Video, Name: "ann-v1", MSID: "a b"},
		}}, "msid is already used"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var m Map
			if _, err := m.Add("bob", camera("bob", 1)); err != nil {
				t.Fatal(err)
			}
			_, err := m.Add("ann", tc.add)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Add(%+v) = %v, want %q", tc.add, err, tc.want)
			}
			if err != nil && !m.Of("ann").Empty() {
				t.Errorf("refused, but there is %+v", m.Of("ann"))
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	start := func() *Map {
		m := &Map{}
		for _, s := range []Set{camera("ann", 100), microphone("ann", 200)} {
			if _, err := m.Add("ann", s); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	m := start()
	gone, err := m.Remove("ann", Set{Sources: camera("ann", 100).Sources})
	if d := cmp.Diff(camera("ann", 100), gone); err != nil || d != "" {
		t.Errorf("Remove = %v (-want +got):\n%s", err, d)
	}
	if d := cmp.Diff(microphone("ann", 200), m.Of("ann"), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("left over (-want +got):\n%s", d)
	}
	if m.Senders(Video) != 0 || m.Senders(Audio) != 1 {
		t.Errorf("senders: %d video, %d audio", m.Senders(Video), m.Senders(Audio))
	}
	if _, err := m.Add("bob", Set{Sources: []Source{{SSRC: 100, Media: Audio, Name: "bob-a0"}}}); err != nil {
		t.Errorf("a removed SSRC cannot be used again: %v", err)
	}
	for name, remove := range map[string]Set{
		"unknown SSRC":  {Sources: []Source{{SSRC: 999}}},
		"unknown group": {Groups: []Group{{fid, Video, []uint32{100, 101}}}},
	} {
		m := start()
		if _, err := m.Remove("ann", remove); err == nil {
			t.Errorf("%s: removed", name)
		}
		if len(m.Of("ann").Sources) != 7 {
			t.Errorf("%s: refused, but sources are gone", name)
		}
	}
	if _, err := start().Remove("bob", Set{Sources: []Source{{SSRC: 100}}}); err == nil {
		t.Error("bob removed a source of ann")
	}
}

func TestStripped(t *testing.T) {
	t.Parallel()
	got := camera("ann", 100).Stripped()
	want := Set{
		Sources: []Source{camera("ann", 100).Sources[0], camera("ann", 100).Sources[3]},
		Groups:  []Group{{fid, Video, []uint32{100, 103}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Stripped (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, want.Stripped()); d != "" {
		t.Errorf("Stripped twice (-want +got):\n%s", d)
	}
}

// Applying a difference to the old gives the new.
func TestDiff(t *testing.T) {
	t.Parallel()
	old := map[string]Set{"ann": microphone("ann", 1), "bob": camera("bob", 10), "cy": microphone("cy", 30)}
	next := map[string]Set{"ann": microphone("ann", 1), "bob": camera("bob", 20), "dan": microphone("dan", 40)}
	remove, add := Diff(old, next)
	if got := slices.Sorted(maps.Keys(remove)); !slices.Equal(got, []string{"bob", "cy"}) {
		t.Errorf("removed of %v", got)
	}
	if got := slices.Sorted(maps.Keys(add)); !slices.Equal(got, []string{"bob", "dan"}) {
		t.Errorf("added of %v", got)
	}
	if d := cmp.Diff(camera("bob", 20), add["bob"]); d != "" {
		t.Errorf("added of bob (-want +got):\n%s", d)
	}
	if remove, add := Diff(next, next); len(remove)+len(add) != 0 {
		t.Errorf("Diff of equals = %v, %v", remove, add)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	screen := Set{Sources: []Source{{SSRC: 50, Media: Video, Name: "ann-v1", MSID: "s d", Desktop: true}}}
	all := map[string]Set{"ann": screen, "bob": camera("bob", 10), "cy": microphone("cy", 30), "dan": {}}

	text, err := Compact(all)
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromCompact(text)
	if d := cmp.Diff(all, back, cmpopts.EquateEmpty()); err != nil || d != "" {
		t.Errorf("FromCompact(%s) = %v (-want +got):\n%s", text, err, d)
	}

	for owner, want := range all {
		b, err := xml.Marshal(jingle.Jingle{Action: jingle.SourceAdd, SID: "s", Contents: Contents(map[string]Set{owner: want})})
		if err != nil {
			t.Fatal(err)
		}
		var j jingle.Jingle
		if err := xml.Unmarshal(b, &j); err != nil {
			t.Fatal(err)
		}
		got, err := FromJingle(owner, j.Contents)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Errorf("FromJingle(%s) = %v (-want +got):\n%s", b, err, d)
		}
	}
}

func TestColibri(t *testing.T) {
	t.Parallel()
	s := camera("ann", 100)
	s.Sources = append(s.Sources, microphone("ann", 200).Sources...)
	got := Colibri(s)
	if len(got.Sources) != 2 || got.Sources[0].ID != "ann-v0" || len(got.Sources[0].Sources) != 6 || len(got.Sources[0].Groups) != 4 ||
		got.Sources[1].Type != "audio" || len(got.Sources[1].Sources) != 1 {
		t.Errorf("Colibri(%+v) = %+v", s, got)
	}
	if Colibri(Set{}) == nil {
		t.Error("no sources are written as no change")
	}
	bridge := FromBridge(&colibri2.Sources{Sources: []colibri2.MediaSource{
		{Type: "video", ID: "jvb-v0", Sources: []jingle.Source{{SSRC: 2}}},
		{Type: "audio", ID: "jvb-a0", Sources: []jingle.Source{{SSRC: 1}}},
	}})
	want := Set{Sources: []Source{
		{SSRC: 1, Media: Audio, Name: "jvb-a0", MSID: "mixedmslabel mixedlabelaudio0"},
		{SSRC: 2, Media: Video, Name: "jvb-v0", MSID: "mixedmslabel mixedlabelvideo0"},
	}}
	if d := cmp.Diff(want, bridge); d != "" {
		t.Errorf("FromBridge (-want +got):\n%s", d)
	}
}

func FuzzCompact(f *testing.F) {
	f.Add(`{"sources":{"a":[[{"s":1,"n":"a-v0","m":"x y","v":"d"}],[["f",1,2]],[{"s":3}],[]]}}`)
	f.Fuzz(func(t *testing.T, s string) {
		all, err := FromCompact(s)
		if err != nil {
			return
		}
		text, err := Compact(all)
		if err != nil {
			t.Fatalf("Compact(FromCompact(%q)): %v", s, err)
		}
		again, err := FromCompact(text)
		if d := cmp.Diff(all, again, cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Errorf("%q is not stable: %v\n%s", s, err, d)
		}
	})
}

// Whatever a client sends, the map never holds one SSRC twice, and what was
// added can be removed.
func FuzzAdd(f *testing.F) {
	f.Add(`<jingle xmlns="urn:xmpp:jingle:1" action="source-add" sid="s"><content name="video"><source ssrc="1" name="ann-v0"/>` +
		`<source ssrc="2"><parameter name="msid" value="a b"/></source><ssrc-group semantics="FID"><source ssrc="1"/><source ssrc="2"/></ssrc-group></content></jingle>`)
	f.Fuzz(func(t *testing.T, s string) {
		var j jingle.Jingle
		if err := xml.Unmarshal([]byte(s), &j); err != nil {
			return
		}
		set, err := FromJingle("ann", j.Contents)
		if err != nil {
			return
		}
		var m Map
		if _, err := m.Add("bob", camera("bob", 1)); err != nil {
			t.Fatal(err)
		}
		added, err := m.Add("ann", set)
		if err != nil {
			return
		}
		seen := make(map[uint32]bool)
		for _, o := range []string{"ann", "bob"} {
			for _, x := range m.Of(o).Sources {
				if seen[x.SSRC] || x.SSRC == 0 {
					t.Fatalf("%q: SSRC %d is there twice, or zero", s, x.SSRC)
				}
				seen[x.SSRC] = true
			}
		}
		Colibri(m.Of("ann"))
		m.Of("ann").Stripped()
		if _, err := m.Remove("ann", added); err != nil || !m.Of("ann").Empty() {
			t.Errorf("%q: Remove of what was added = %v, left %+v", s, err, m.Of("ann"))
		}
	})
}
