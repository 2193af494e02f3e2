package im

import (
	"encoding/xml"

	"meetbox.local/signaling/internal/archive"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/stanza"
)

// prefs say what an account wants to be kept (XEP-0441).
type prefs struct {
	XMLName xml.Name `xml:"urn:xmpp:mam:2 prefs"`
	Default string   `xml:"default,attr"`
	Always  *list    `xml:"urn:xmpp:mam:2 always"`
	Never   *list    `xml:"urn:xmpp:mam:2 never"`
}

type list struct {
	JIDs []string `xml:"urn:xmpp:mam:2 jid"`
}

// history reads an account's archive, or what is kept in it.
func (sv *Service) history(r *resource, st *wire.Stanza) *stanza.Error {
	if st.Is(archive.NS, "prefs") {
		return sv.prefer(r, st)
	}
	if st.Type == stanza.Get {
		r.m.Send(archive.Form(st, r.u.escaped))
		return nil
	}
	q, e := archive.Parse(st)
	if e != nil {
		return e
	}
	asker, owner := archive.NewAsker(st, r.u.escaped), r.u.addr.Local()
	sv.env.Ask(r.m, func(rd store.Reader) []*wire.Out { return q.Run(rd, bucketArchive, owner, asker) })
	return nil
}

func (sv *Service) prefer(r *resource, st *wire.Stanza) *stanza.Error {
	if st.Type == stanza.Set {
		var p prefs
		if st.Decode(st.Children()[0], &p) != nil {
			return stanza.NewError(stanza.BadRequest, "")
		}
		switch p.Default {
		case "always":
			r.u.Keep = ""
		case "roster", "never":
			r.u.Keep = p.Default
		default:
			return stanza.NewError(stanza.BadRequest, "")
		}
		if p.Always != nil && len(p.Always.JIDs) > 0 || p.Never != nil && len(p.Never.JIDs) > 0 {
			return stanza.NewError(stanza.FeatureNotImplemented, "one rule for everybody")
		}
		sv.save(r.u)
	}
	p := prefs{Default: r.u.Keep, Always: &list{}, Never: &list{}}
	if p.Default == "" {
		p.Default = "always"
	}
	r.m.Send(wire.Answer(st, r.u.escaped, p))
	return nil
}
