package router

import (
	"encoding/xml"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/upload"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/ping"
	"meetbox.local/signaling/xmpp/stanza"
)

const nsUpload = "urn:xmpp:http:upload:0"

// Web is where browsers reach the box.
type Web struct {
	Host string `json:"host,omitempty"` // for who came by another way
	Port int    `json:"port,omitempty"`
}

// upload is what somebody wants to send.
type uploadRequest struct {
	XMLName xml.Name `xml:"urn:xmpp:http:upload:0 request"`
	Name    string   `xml:"filename,attr"`
	Size    int64    `xml:"size,attr"`
	Type    string   `xml:"content-type,attr"`
}

type uploadSlot struct {
	XMLName xml.Name   `xml:"urn:xmpp:http:upload:0 slot"`
	Put     uploadLink `xml:"urn:xmpp:http:upload:0 put"`
	Get     uploadLink `xml:"urn:xmpp:http:upload:0 get"`
}

type uploadLink struct {
	URL string `xml:"url,attr"`
}

func (r *Router) uploadDomain() string { return "upload." + r.Domain }

// shares tells whether files can be sent.
func (r *Router) shares() bool { return r.config.Rooms.FileBytes > 0 && r.Files != nil }

// toUpload handles what is addressed to the service of files.
func (r *Router) toUpload(s *Session, st *wire.Stanza) {
	from := wire.Escape(r.uploadDomain())
	get := st.Type == stanza.Get
	switch {
	case !st.Answerable() || st.Kind == wire.Presence:
		r.meter.drop("ignored")
	case !r.shares() || st.To.Local() != "" || !st.To.IsBare():
		r.refuse(s, st, stanza.ServiceUnavailable)
	case get && st.Is(ping.NS, "ping"):
		s.Send(wire.Result(st, from))
	case get && st.Is(disco.NSInfo, "query"):
		s.Send(wire.Answer(st, from, disco.Info{
			Identities: []disco.Identity{{Category: "store", Type: "file", Name: "Files"}},
			Features:   disco.Features(disco.NSInfo, nsUpload),
			Forms: []form.Data{{Type: form.Result, Fields: []form.Field{
				{Var: "FORM_TYPE", Type: "hidden", Values: []string{nsUpload}},
				{Var: "max-file-size", Values: []string{strconv.FormatInt(r.config.Rooms.FileBytes, 10)}},
			}}},
		}))
	case get && st.Is(nsUpload, "request"):
		if e := r.slot(s, st, from); e != nil {
			r.meter.drop("refused")
			s.Send(wire.Failure(st, from, e))
		}
	default:
		r.refuse(s, st, stanza.ServiceUnavailable)
	}
}

// slot gives somebody who is in a meeting, or has an account, an address to
// send a file to.
func (r *Router) slot(s *Session, st *wire.Stanza, from []byte) *stanza.Error {
	if s.rank == muc.Guest && !s.pass.User && r.rooms.Current(s) == nil && r.breakout.Current(s) == nil {
		return stanza.NewError(stanza.Forbidden, "only occupants of a meeting may send files")
	}
	var ask uploadRequest
	if st.Decode(st.Children()[0], &ask) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	id := r.newID()
	if !r.replaying { // the slots of a former process have gone with it
		err := r.Files.Reserve(id, ask.Name, ask.Type, ask.Size, r.now)
		switch {
		case errors.Is(err, upload.ErrTooLarge):
			e := stanza.NewError(stanza.NotAcceptable, err.Error())
			var tooLarge stanza.Element
			tooLarge.XMLName.Space, tooLarge.XMLName.Local = nsUpload, "file-too-large"
			tooLarge.Inner = []byte(`<max-file-size xmlns="` + nsUpload + `">` + strconv.FormatInt(r.config.Rooms.FileBytes, 10) + `</max-file-size>`)
			e.Specific = append(e.Specific, tooLarge)
			return e
		case errors.Is(err, upload.ErrName):
			return stanza.NewError(stanza.BadRequest, err.Error())
		case err != nil:
			return stanza.NewError(stanza.ResourceConstraint, err.Error())
		}
	}
	u := url.URL{Scheme: "https", Host: r.webHost(s), Path: upload.Path + id + "/" + upload.Name(ask.Name)}
	link := uploadLink{u.String()}
	s.Send(wire.Answer(st, from, uploadSlot{Put: link, Get: link}))
	return nil
}

// Jitsi Meet keeps a token until shortly before it ends, by its own clock,
// which may be behind: it is told less than is true.
const (
	tokenLife = time.Hour
	tokenTold = time.Minute
)

type credentialService struct {
	Type       string `xml:"type,attr"`
	Host       string `xml:"host,attr"`
	Username   string `xml:"username,attr,omitempty"`
	Password   string `xml:"password,attr,omitempty"`
	Expires    string `xml:"expires,attr,omitempty"`
	Restricted string `xml:"restricted,attr,omitempty"`
}

type credentials struct {
	XMLName xml.Name          `xml:"urn:xmpp:extdisco:2 credentials"`
	Service credentialService `xml:"urn:xmpp:extdisco:2 service"`
}

// credentials gives somebody in a meeting a token for its files (XEP-0215
// §3.3), with which Jitsi Meet sends and fetches them over HTTP.
func (r *Router) credentials(s *Session, st *wire.Stanza, from []byte) *stanza.Error {
	var ask credentials
	if st.Decode(st.Children()[0], &ask) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	if !r.shares() || ask.Service.Type != "short-lived-token" || ask.Service.Host != upload.Audience {
		return stanza.NewError(stanza.ItemNotFound, "")
	}
	o := r.breakout.Current(s)
	if o == nil {
		o = r.rooms.Current(s)
	}
	if o == nil {
		return stanza.NewError(stanza.NotAllowed, "only occupants of a meeting may send files")
	}
	token, err := r.Files.Token(upload.Pass{Meeting: o.Room().Meeting(), Owner: s.addr.String()}, r.now.Add(tokenLife))
	if err != nil {
		return stanza.NewError(stanza.InternalServerError, err.Error())
	}
	s.Send(wire.Answer(st, from, credentials{Service: credentialService{
		Type: ask.Service.Type, Host: ask.Service.Host, Username: "token", Password: token,
		Expires: r.now.Add(tokenTold).UTC().Format(time.RFC3339), Restricted: "1",
	}}))
	return nil
}

// webHost is the box's name and port as the session's client knows them.
func (r *Router) webHost(s *Session) string {
	w := r.config.Web
	host := s.pass.Host
	if host == "" {
		host = w.Host
	}
	if w.Port == 0 || w.Port == 443 {
		return host
	}
	if len(host) > 1 && host[0] == '[' {
		host = host[1 : len(host)-1]
	}
	return net.JoinHostPort(host, strconv.Itoa(w.Port))
}

// services of the domain that clients look for.
func (r *Router) items() disco.Items {
	list := disco.Items{Items: []disco.Item{{JID: r.rooms.Addr(), Name: "Meetings"}}}
	if r.shares() {
		if addr, err := jid.New("", r.uploadDomain(), ""); err == nil {
			list.Items = append(list.Items, disco.Item{JID: addr, Name: "Files"})
		}
	}
	return list
}

// Discard implements component.Env. Files end by themselves, too: one that is
// not there any more is no mistake.
func (e *env) Discard(file string) {
	if e.Files != nil && !e.replaying && file != "" {
		e.Files.Delete(file)
	}
}
