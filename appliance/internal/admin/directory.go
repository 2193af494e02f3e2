package admin

import (
	"net/http"
	"strings"

	"meetbox.local/appliance/api"
)

// providerCookie holds, while somebody is at the provider of OpenID Connect,
// what shows that it was this browser that went there.
const providerCookie = "__Host-meetbox-oidc"

// returnPath is the console's page to which the provider sends people back.
// It is only a page: what it was given it sends on by itself, so that no
// cookie has to be sent from another site.
const returnPath = "/signed-in"

func directoryRoutes(p *Parts) []Route {
	return []Route{
		send(http.MethodPost, "/api/v1/session/oidc/begin", api.Nobody, "Where to sign in with OpenID Connect.", p.beginOIDC),
		send(http.MethodPost, "/api/v1/session/oidc", api.Nobody, "Signs in with what the provider of OpenID Connect gave.", p.finishOIDC),
		get("/api/v1/directory", api.Viewer, "Which secrets are kept for the directories, and the addresses to register at the provider.", p.getDirectory),
		person(send(http.MethodPut, "/api/v1/directory/secrets", api.Owner, "Keeps the secrets with which the box asks the directories.", p.putDirectorySecrets)),
		person(send(http.MethodPost, "/api/v1/directory/test", api.Owner, "Tries settings of section directory, link by link, without keeping them.", p.tryDirectory)),
	}
}

func (p *Parts) beginOIDC(c *Call, _ None) (out api.OIDCBegin, err error) {
	c.Audited() // nothing happened yet
	to, browser, err := p.Directory.Begin(c.Context(), "https://"+c.Host+returnPath)
	if err != nil {
		return out, err
	}
	cookie := http.Cookie{Name: providerCookie, Value: browser, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 600}
	c.header.Add("Set-Cookie", cookie.String())
	return api.OIDCBegin{URL: to}, nil
}

func (p *Parts) finishOIDC(c *Call, q api.OIDCAnswer) (out api.Session, err error) {
	c.Audited()
	browser := ""
	if k, err := c.Cookie(providerCookie); err == nil {
		browser = k.Value
	}
	who, err := p.Directory.Finish(c.Context(), browser, q)
	if err != nil {
		return out, err
	}
	out, secret, err := p.Accounts.SignInAs(c.Peer(), c.UserAgent(), who)
	if err == nil {
		setCookie(c, secret)
		gone := http.Cookie{Name: providerCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1}
		c.header.Add("Set-Cookie", gone.String())
	}
	return out, err
}

func (p *Parts) getDirectory(*Call) (out api.DirectoryState, err error) {
	secrets, err := p.Directory.Secrets()
	if err != nil {
		return out, err
	}
	out.LDAPPassword, out.OIDCSecret = secrets.LDAP != "", secrets.OIDC != ""
	for _, u := range p.Source.Status().Console {
		out.Redirects = append(out.Redirects, strings.TrimSuffix(u, "/")+returnPath)
	}
	return out, nil
}

func (p *Parts) putDirectorySecrets(c *Call, q api.DirectorySecrets) (None, error) {
	c.Audited()
	return None{}, p.Directory.PutSecrets(c.Who, q)
}

func (p *Parts) tryDirectory(c *Call, q api.DirectoryTest) (api.DirectoryFound, error) {
	c.Audited() // nothing changes
	return p.Directory.Try(c.Context(), q)
}
