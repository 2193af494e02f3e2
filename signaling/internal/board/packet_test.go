package board

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		text        string
		kind        byte
		event       string
		attachments int
		arg         string
		err         error
	}{
		{text: "0", kind: socketConnect},
		{text: `0{"token":"x"}`, kind: socketConnect},
		{text: "1", kind: socketDisconnect},
		{text: `2["join-room","demo"]`, kind: socketEvent, event: "join-room", arg: "demo"},
		{text: `217["join-room","demo"]`, kind: socketEvent, event: "join-room", arg: "demo"},
		{text: `2["join-room",7]`, kind: socketEvent, event: "join-room"},
		{text: `2["join-room"]`, kind: socketEvent, event: "join-room"},
		{text: `52-["server-broadcast","demo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, kind: socketBinary, event: "server-broadcast", attachments: 2, arg: "demo"},
		{text: "", err: errPacket},
		{text: "3[]", err: errPacket},
		{text: "7", err: errPacket},
		{text: `2`, err: errPacket},
		{text: `2[]`, err: errPacket},
		{text: `2[""]`, err: errPacket},
		{text: `2[1]`, err: errPacket},
		{text: `2{"a":1}`, err: errPacket},
		{text: `2["a"] `, kind: socketEvent, event: "a"},
		{text: `2["a"]x`, err: errPacket},
		{text: `5["a"]`, err: errPacket},
		{text: `5-["a"]`, err: errPacket},
		{text: `53-["a"]`, err: errPacket},
		{text: `5-1-["a"]`, err: errPacket},
		{text: `5256-["a"]`, err: errPacket},
		{text: `0/admin,`, err: errNamespace},
		{text: `2/admin,["a"]`, err: errNamespace},
		{text: `2["` + strings.Repeat("a", maxText) + `"]`, err: errPacket},
	} {
		p, err := parse([]byte(tc.text))
		if err != tc.err {
			t.Errorf("%.80s: %v, want %v", tc.text, err, tc.err)
		}
		if err != nil {
			continue
		}
		if p.kind != tc.kind || p.event != tc.event || p.attachments != tc.attachments || p.text(0) != tc.arg {
			t.Errorf("%.80s: %+v", tc.text, p)
		}
	}
}

func TestAttached(t *testing.T) {
	for text, want := range map[string]bool{
		`52-["e","r",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`: true,
		`52-["e","r",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`: false,
		`52-["e","r",{"_placeholder":true,"num":0}]`:                               false,
		`52-["e","r",{"_placeholder":true,"num":0},7]`:                             false,
		`52-["e","r",{"num":0},{"num":1}]`:                                         false,
		`2["e","r"]`:                                                               true,
	} {
		p, err := parse([]byte(text))
		if err != nil || p.attached(1) != want {
			t.Errorf("%s: %v, %v", text, p.attached(1), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", `2["a","b"]`, `217["a"]`, drawn[1:], "2/x,[]", "5-"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parse(text)
		if err != nil {
			return
		}
		if p.attachments > maxAttachments || p.attachments > 0 && p.kind != socketBinary {
			t.Errorf("%q: %d attachments", text, p.attachments)
		}
		if (p.kind == socketEvent || p.kind == socketBinary) != (p.event != "") {
			t.Errorf("%q: event %q", text, p.event)
		}
		for i := range len(p.args) + 1 {
			_, _ = p.text(i), p.attached(i)
		}
	})
}
