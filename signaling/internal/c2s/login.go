package c2s

import (
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"meetbox.local/appliance/kit/tally"
	"meetbox.local/signaling/internal/guesses"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sasl"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
)

// binds tells whether logins can be bound to the TLS connection. The box's own
// services talk over the loopback, where nobody is in the middle.
func (s *stream) binds() bool { return s.bound != nil && s.domain == s.srv.Router.Domain }

// mechanisms are the ways to log in, strongest first.
func (s *stream) mechanisms() (list []string) {
	r := s.srv.Router
	switch s.domain {
	case r.AuthDomain:
		return []string{sasl.SHA256, sasl.SHA1}
	case r.GuestDomain:
		return []string{sasl.Anonymous}
	}
	if !s.srv.users.Load().Empty() {
		if s.binds() {
			list = append(list, sasl.SHA256+sasl.Plus, sasl.SHA1+sasl.Plus)
		}
		list = append(list, sasl.SHA256, sasl.SHA1, sasl.Plain)
	}
	if r.GuestsHere() || !s.srv.tokens.Load().Empty() || len(list) == 0 {
		list = append(list, sasl.Anonymous)
	}
	return list
}

// accounts are those of the stream's domain.
func (s *stream) accounts() *sasl.Accounts {
	if s.domain == s.srv.Router.AuthDomain {
		return s.srv.accounts.Load()
	}
	return s.srv.users.Load()
}

// userPass is what a password proves.
func (s *stream) userPass() router.Pass {
	return router.Pass{User: s.domain == s.srv.Router.Domain}
}

// start begins a login.
func (s *stream) start(mechanism, text string) error {
	s.scram, s.plain = nil, false
	switch {
	case !slices.Contains(s.mechanisms(), mechanism):
		return s.denied("invalid-mechanism")
	case mechanism == sasl.Anonymous:
		return s.guest()
	case mechanism == sasl.Plain:
		s.plain = true
	default:
		bound := s.bound
		if !s.binds() {
			bound = nil
		}
		var err error
		if s.scram, err = s.accounts().Start(mechanism, bound); err != nil {
			return s.denied("invalid-mechanism")
		}
	}
	switch {
	case text == "": // no initial response: an empty challenge asks for it
		s.link.say(`<challenge xmlns="` + nsSASL + `"/>`)
		return nil
	case s.plain:
		return s.password(text)
	}
	return s.step(text)
}

// password is a login by PLAIN.
func (s *stream) password(text string) error {
	s.plain = false
	in, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return s.denied("incorrect-encoding")
	}
	guess, wait := s.try(s.accounts().PlainUser(string(in)))
	if wait > 0 {
		return s.slow(wait)
	}
	user, err := s.accounts().Plain(string(in))
	switch {
	case errors.Is(err, sasl.ErrAuthzid):
		return s.denied("invalid-authzid")
	case err != nil:
		return s.denied("not-authorized")
	}
	guess.Right()
	s.welcome(user, s.userPass(), `<success xmlns="`+nsSASL+`"/>`)
	return nil
}

// try begins to look at a person's password. The box's own services, which may
// try as often as they like, have accounts of another domain.
func (s *stream) try(user string) (tally.Guess, time.Duration) {
	book := &s.srv.guesses
	if s.domain == s.srv.Router.AuthDomain {
		book = new(guesses.Book)
	}
	return book.Try(s.peer, user, time.Now())
}

// slow refuses what was not looked at (RFC 6120 §6.5.10).
func (s *stream) slow(wait time.Duration) error {
	return s.denied("temporary-auth-failure", guesses.Text(wait))
}

// sasl takes one step of the login.
func (s *stream) sasl(raw []byte, el *xmlscan.Element) error {
	text := xmlscan.Text(raw)
	switch string(el.Local) {
	case "auth":
		return s.start(attribute(el, "mechanism"), text)
	case "response":
		switch {
		case s.plain:
			return s.password(text)
		case s.scram == nil:
			return s.denied("malformed-request")
		}
		return s.step(text)
	case "abort":
		s.scram, s.plain = nil, false
		return s.denied("aborted")
	}
	return s.denied("malformed-request")
}

func (s *stream) step(text string) error {
	if text == "=" {
		text = ""
	}
	in, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return s.denied("incorrect-encoding")
	}
	var guess tally.Guess
	if user := s.scram.User(); user != "" { // this is the proof
		var wait time.Duration
		if guess, wait = s.try(user); wait > 0 {
			return s.slow(wait)
		}
	}
	out, done, err := s.scram.Step(string(in))
	switch {
	case errors.Is(err, sasl.ErrAuthzid):
		return s.denied("invalid-authzid")
	case err != nil:
		return s.denied("not-authorized")
	}
	answer := base64.StdEncoding.EncodeToString([]byte(out))
	if !done {
		s.link.say(`<challenge xmlns="` + nsSASL + `">` + answer + `</challenge>`)
		return nil
	}
	guess.Right()
	s.welcome(s.scram.User(), s.userPass(), `<success xmlns="`+nsSASL+`">`+answer+`</success>`)
	s.scram = nil
	return nil
}

// guest gives an anonymous client a name, or the one it had: the endpoint id
// is made of it. A token makes it more than a guest.
func (s *stream) guest() error {
	pass := router.Pass{}
	if s.domain == s.srv.Router.Domain && (s.token != "" || !s.srv.Router.GuestsHere()) {
		claims, err := s.srv.tokens.Load().Verify(s.token, s.tenant, time.Now())
		if err != nil {
			s.srv.Log.Info("token refused", "peer", s.peer, "err", err)
			return s.denied("not-allowed", err.Error())
		}
		pass.Token = &claims
	}
	user, ok := "", false
	if s.previd != "" {
		user, ok = s.srv.Router.UserOf(s.previd, s.domain, pass)
	}
	if !ok {
		user = newUUID()
	}
	s.welcome(user, pass, `<success xmlns="`+nsSASL+`"/>`)
	return nil
}

func (s *stream) welcome(user string, pass router.Pass, success string) {
	pass.Host, pass.Tenant = s.host, s.tenant
	s.account = router.Account{User: user, Domain: s.domain, Pass: pass}
	s.phase = loggedIn
	s.link.say(success)
}

// denied answers a failed login, written as clients pick it apart.
func (s *stream) denied(condition string, text ...string) error {
	s.srv.Router.Drop("login_failed")
	s.scram, s.plain = nil, false
	s.tries++
	why := ""
	for _, t := range text {
		why = "<text>" + string(wire.Escape(t)) + "</text>"
	}
	s.link.say(`<failure xmlns="` + nsSASL + `"><` + condition + `/>` + why + `</failure>`)
	if s.tries >= s.srv.Limits.Logins {
		return streamError("policy-violation")
	}
	return nil
}
