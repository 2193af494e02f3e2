package jingle

import "encoding/xml"

// liberal reads the tokens of a jingle element and gives children the
// namespace that their name and place demand, whatever namespace they came
// with. Clients build Jingle from SDP and lose namespaces on the way: nested
// sources of a group come in the stanza's, for one.
type liberal struct {
	d     *xml.Decoder
	first *xml.StartElement // jingle's own start, read already
	stack []xml.Name        // of what was given out and is still open, below jingle
}

func (l *liberal) Token() (xml.Token, error) {
	if l.first != nil {
		t := *l.first
		l.first = nil
		return t, nil
	}
	t, err := l.d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case xml.StartElement:
		t.Name.Space = l.space(t.Name)
		l.stack = append(l.stack, t.Name)
		return t, nil
	case xml.EndElement:
		if n := len(l.stack); n > 0 { // else it is jingle's own
			t.Name = l.stack[n-1]
			l.stack = l.stack[:n-1]
		}
		return t, nil
	}
	return t, nil
}

// space is the namespace of an element by its name and its parent's.
func (l *liberal) space(n xml.Name) string {
	parent := ""
	if len(l.stack) > 0 {
		parent = l.stack[len(l.stack)-1].Local
	}
	switch n.Local {
	case "source", "ssrc-group":
		return NSSources
	case "payload-type":
		return NSRTP
	case "rtcp-fb":
		return NSFeedback
	case "rtp-hdrext", "extmap-allow-mixed":
		return NSExtension
	case "candidate":
		return NSICE
	case "fingerprint":
		return NSDTLS
	case "sctpmap":
		return NSSCTP
	case "parameter":
		if parent == "source" {
			return NSSources
		}
		return NSRTP
	case "rtcp-mux":
		if parent == "transport" {
			return NSICE
		}
		return NSRTP
	}
	return n.Space
}
