package admin

import (
	"net/http"

	"meetbox.local/appliance/api"
)

func sessionRoutes(p *Parts) []Route {
	return []Route{
		send(http.MethodPost, "/api/v1/claim", api.Nobody, "Makes an owner of whoever knows the setup code, and signs in.", p.claim),
		send(http.MethodPost, "/api/v1/session", api.Nobody, "Signs in.", p.signIn),
		send(http.MethodPost, "/api/v1/session/recover", api.Nobody, "Sets a new password with a recovery code, and signs in.", p.recover),
		person(get("/api/v1/session", api.Viewer, "Who is signed in here.", p.getSession)),
		person(send(http.MethodDelete, "/api/v1/session", api.Viewer, "Signs out.", p.signOut)),
		person(get("/api/v1/sessions", api.Viewer, "Where you are signed in; an owner sees everybody.", p.getSessions)),
		person(send(http.MethodDelete, "/api/v1/sessions/{id}", api.Viewer, "Ends a session.", p.endSession)),
		person(send(http.MethodPut, "/api/v1/session/password", api.Viewer, "Changes your own password and ends your other sessions.", p.putPassword)),
		person(send(http.MethodPost, "/api/v1/session/recovery", api.Viewer, "Replaces your recovery codes.", p.newRecovery)),
		person(send(http.MethodPost, "/api/v1/session/one-time", api.Viewer, "Makes a key for your authenticator.", p.beginOneTime)),
		person(send(http.MethodPut, "/api/v1/session/one-time", api.Viewer, "Puts your authenticator into use.", p.confirmOneTime)),
		person(send(http.MethodDelete, "/api/v1/session/one-time", api.Viewer, "Takes your authenticator out of use.", p.endOneTime)),
	}
}

// setCookie gives the browser the session's secret, for this origin only and
// out of scripts' reach.
func setCookie(c *Call, secret string) {
	cookie := http.Cookie{Name: Cookie, Value: secret, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if secret == "" {
		cookie.MaxAge = -1
	}
	c.header.Set("Set-Cookie", cookie.String())
}

func (p *Parts) claim(c *Call, q api.Claim) (api.Claimed, error) {
	c.Audited()
	out, secret, err := p.Accounts.Claim(c.Context(), c.Peer(), c.UserAgent(), q)
	if err == nil {
		setCookie(c, secret)
	}
	return out, err
}

func (p *Parts) signIn(c *Call, q api.SignIn) (api.Session, error) {
	c.Audited()
	out, secret, err := p.Accounts.SignIn(c.Context(), c.Peer(), c.UserAgent(), q)
	if err == nil {
		setCookie(c, secret)
	}
	return out, err
}

func (p *Parts) recover(c *Call, q api.Recover) (api.Session, error) {
	c.Audited()
	out, secret, err := p.Accounts.Recover(c.Context(), c.Peer(), c.UserAgent(), q)
	if err == nil {
		setCookie(c, secret)
	}
	return out, err
}

func (p *Parts) getSession(c *Call) (api.Session, error) { return p.Accounts.Current(c.Session) }

func (p *Parts) signOut(c *Call, _ None) (None, error) {
	c.Audited()
	setCookie(c, "")
	return None{}, p.Accounts.End(c.Who, c.Session)
}

func (p *Parts) getSessions(c *Call) (out api.Sessions, err error) {
	out.Sessions, err = p.Accounts.Sessions(mine(c), c.Session)
	return out, err
}

// mine is whose things the caller sees: "" for everybody's.
func mine(c *Call) string {
	if c.Who.Role == api.Owner {
		return ""
	}
	return c.Who.Name
}

func (p *Parts) endSession(c *Call, _ None) (None, error) {
	c.Audited()
	return None{}, p.Accounts.End(c.Who, c.PathValue("id"))
}

func (p *Parts) putPassword(c *Call, q api.PasswordChange) (None, error) {
	c.Audited()
	return None{}, p.Accounts.SetPassword(c.Context(), c.Who, c.Session, q)
}

func (p *Parts) newRecovery(c *Call, _ None) (out api.RecoveryCodes, err error) {
	c.Audited()
	out.Codes, err = p.Accounts.NewRecovery(c.Who)
	return out, err
}

func (p *Parts) beginOneTime(c *Call, _ None) (api.OneTimeKey, error) {
	c.Audited()
	name := "Meetbox"
	if s := p.Source.Status(); len(s.Names) > 0 {
		name = s.Names[0]
	}
	return p.Accounts.BeginOneTime(c.Who, name)
}

func (p *Parts) confirmOneTime(c *Call, q api.OneTimeCode) (None, error) {
	c.Audited()
	return None{}, p.Accounts.ConfirmOneTime(c.Who, q.Code)
}

func (p *Parts) endOneTime(c *Call, _ None) (None, error) {
	c.Audited()
	return None{}, p.Accounts.EndOneTime(c.Who, c.Who.Name)
}
