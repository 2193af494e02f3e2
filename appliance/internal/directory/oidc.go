package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

const (
	// A person has this long to sign in at the provider.
	pendingTime = 10 * time.Minute
	// maxPending bounds who is at the provider at the same time.
	maxPending = 200
	maxAnswer  = 1 << 20
	maxName    = 64
)

// algorithms are those with which a provider may sign.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// pending is somebody who is at the provider.
type pending struct {
	browser, nonce, verifier, redirect string
	until                              time.Time
	set                                api.OIDC
	secret                             state.Secret
}

// Begin sends a browser to the provider: where to, and what the browser has
// to show when it comes back, beside what the provider gives it (RFC 6749
// section 10.12). PKCE (RFC 7636) always.
func (s *Service) Begin(ctx context.Context, redirect string) (to, browser string, err error) {
	set, secrets, err := s.Settings()
	if err != nil {
		return "", "", err
	}
	if set.OIDC.Issuer == "" {
		return "", "", api.Problem{Status: http.StatusConflict, Code: "no-provider", Detail: "No provider of OpenID Connect is set up here."}
	}
	c := newChain(s.now)
	provider, err := discover(ctx, c, set.OIDC)
	if err != nil {
		return "", "", away(c)
	}
	p := pending{
		browser: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), redirect: redirect,
		until: s.now().Add(pendingTime), set: set.OIDC, secret: secrets.OIDC,
	}
	key := rand.Text()
	s.mu.Lock()
	for k, old := range s.pending {
		if s.now().After(old.until) || len(s.pending) >= maxPending {
			delete(s.pending, k)
		}
	}
	s.pending[key] = p
	s.mu.Unlock()
	return p.config(provider).AuthCodeURL(key, oidc.Nonce(p.nonce), oauth2.S256ChallengeOption(p.verifier)), p.browser, nil
}

func away(c *chain) error {
	return api.Problem{
		Status: http.StatusServiceUnavailable, Code: "directory",
		Detail: "The provider could not be asked, so only accounts of the box can sign in now: " + c.last(),
	}
}

// Finish is what the provider's answer means. browser is what [Service.Begin]
// gave this one; each answer counts once.
func (s *Service) Finish(ctx context.Context, browser string, q api.OIDCAnswer) (who Person, err error) {
	s.mu.Lock()
	p, ok := s.pending[q.State]
	ok = ok && p.browser == browser && browser != ""
	if ok {
		delete(s.pending, q.State)
	}
	s.mu.Unlock()
	if !ok || s.now().After(p.until) {
		return who, api.Problem{Status: http.StatusConflict, Code: "oidc-again", Detail: "This sign-in was not begun in this browser, or took too long. Begin again."}
	}
	if q.Error != "" || q.Code == "" {
		return who, refused("The provider did not sign you in: " + cmp.Or(q.Error, "it gave no code") + ".")
	}
	c := newChain(s.now)
	provider, err := discover(ctx, c, p.set)
	if err != nil {
		return who, away(c)
	}
	ctx, cancel, err := clientContext(ctx, p.set)
	if err != nil {
		return who, err
	}
	defer cancel()
	config := p.config(provider)
	token, err := config.Exchange(ctx, q.Code, oauth2.VerifierOption(p.verifier))
	if err != nil {
		text, _ := explain(exchange(err))
		return who, refused("The provider refused: " + text)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: p.set.ClientID, SupportedSigningAlgs: algorithms, Now: s.now}).Verify(ctx, raw)
	if err != nil {
		return who, refused("What the provider says cannot be believed: " + err.Error() + ". Compare the clocks of both.")
	}
	if id.Subject == "" {
		return who, refused("The provider does not say who you are.")
	}
	if id.Nonce != p.nonce {
		return who, refused("What the provider says belongs to another sign-in.")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return who, refused("What the provider says cannot be read.")
	}
	if err := more(ctx, provider, config, token, id.Subject, claims, p.set); err != nil {
		return who, err
	}
	return person(p.set, id.Subject, claims)
}

// more asks the provider for claims that are not in the token.
func more(ctx context.Context, provider *oidc.Provider, config *oauth2.Config, token *oauth2.Token, subject string, claims map[string]any, set api.OIDC) error {
	_, groups := at(claims, groupsClaim(set))
	_, name := at(claims, nameClaim(set))
	if groups && name || provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := provider.UserInfo(ctx, config.TokenSource(ctx, token))
	if err != nil {
		return refused("The provider does not say who you are: " + err.Error() + ".")
	}
	if info.Subject != subject {
		return refused("The provider speaks of somebody else.")
	}
	found := map[string]any{}
	if err := info.Claims(&found); err != nil {
		return refused("What the provider says cannot be read.")
	}
	for k, v := range found {
		if _, ok := claims[k]; !ok {
			claims[k] = v
		}
	}
	return nil
}

func person(set api.OIDC, subject string, claims map[string]any) (p Person, err error) {
	name, _ := at(claims, nameClaim(set))
	p = Person{ID: subject, Source: OIDC}
	p.Name, _ = name.(string)
	if p.Name == "" || len(p.Name) > maxName {
		return p, refused("The provider gives no name for you in " + nameClaim(set) + ".")
	}
	groups, _ := at(claims, groupsClaim(set))
	p.Groups = texts(groups)
	if p.Role = api.RoleOf(set.Roles, p.Groups); p.Role < api.Viewer {
		return p, refused("None of your groups has a role on this box. Ask its owner.")
	}
	return p, nil
}

func refused(text string) error {
	return api.Problem{Status: http.StatusForbidden, Code: "oidc", Detail: text}
}

func nameClaim(set api.OIDC) string   { return cmp.Or(set.Name, "preferred_username") }
func groupsClaim(set api.OIDC) string { return cmp.Or(set.Groups, "groups") }

// at is the claim of that name, or below it by dots. A name with dots in it
// goes first: some providers use URLs.
func at(claims map[string]any, name string) (any, bool) {
	if v, ok := claims[name]; ok {
		return v, true
	}
	first, rest, ok := strings.Cut(name, ".")
	below, deep := claims[first].(map[string]any)
	if !ok || !deep {
		return nil, false
	}
	return at(below, rest)
}

// texts are the groups of a claim: a list, or words in one text.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' })
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func (p pending) config(provider *oidc.Provider) *oauth2.Config {
	return config(p.set, p.secret, provider, p.redirect)
}

func config(set api.OIDC, secret state.Secret, provider *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: set.ClientID, ClientSecret: string(secret), Endpoint: provider.Endpoint(), RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID, "profile"}, set.Scopes...),
	}
}

// bounded reads no answer without end.
type bounded struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// clientContext has the HTTP client that libraries take from it, and a limit
// for all that they ask.
func clientContext(ctx context.Context, set api.OIDC) (context.Context, context.CancelFunc, error) {
	pool, err := roots(set.Root)
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, // nobody would close them
		ForceAttemptHTTP2: true,
	}
	client := &http.Client{
		Transport: bounded{transport}, Timeout: askWait,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != "https" || len(via) > 5 {
				return errors.New("it leads away from https, or in a circle")
			}
			return nil
		},
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, client), 2*askWait)
	return ctx, cancel, nil
}

// discover reads what the provider says of itself (OpenID Connect Discovery).
func discover(ctx context.Context, c *chain, set api.OIDC) (provider *oidc.Provider, err error) {
	ctx, cancel, err := clientContext(ctx, set)
	if err != nil {
		return nil, c.link("connect", func() (string, error) { return "", err })
	}
	defer cancel()
	document := strings.TrimSuffix(set.Issuer, "/") + "/.well-known/openid-configuration"
	var found struct {
		Issuer string `json:"issuer"`
	}
	if err := c.link("connect", func() (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, document, nil)
		if err != nil {
			return "", err
		}
		resp, err := client(ctx).Do(r)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&found) != nil {
			return "", &fault{text: "There is no provider of OpenID Connect at this address (" + resp.Status + ").", advice: "Look at the path; " + document + " has to exist."}
		}
		return document, nil
	}); err != nil {
		return nil, err
	}
	err = c.link("discovery", func() (string, error) {
		if found.Issuer != set.Issuer {
			return "", &fault{text: "The provider calls itself " + found.Issuer + ".", advice: "Write its address here in just that way."}
		}
		// Its keys are asked for later, with another context.
		provider, err = oidc.NewProvider(ctx, set.Issuer)
		return found.Issuer, err
	})
	return provider, err
}

func client(ctx context.Context) *http.Client {
	if c, ok := ctx.Value(oauth2.HTTPClient).(*http.Client); ok {
		return c
	}
	return http.DefaultClient
}

// tryOIDC goes as far as one can without a person.
func tryOIDC(ctx context.Context, c *chain, set api.OIDC, secret state.Secret) error {
	provider, err := discover(ctx, c, set)
	if err != nil {
		return err
	}
	ctx, cancel, err := clientContext(ctx, set)
	if err != nil {
		return err
	}
	defer cancel()
	var says struct {
		Keys      string   `json:"jwks_uri"`
		Responses []string `json:"response_types_supported"`
		PKCE      []string `json:"code_challenge_methods_supported"`
		Signs     []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := c.link("flow", func() (string, error) {
		if err := provider.Claims(&says); err != nil {
			return "", err
		}
		if !slices.Contains(says.Responses, "code") {
			return "", &fault{text: "The provider does not offer the authorization code flow.", advice: "Allow it there."}
		}
		if says.PKCE != nil && !slices.Contains(says.PKCE, "S256") {
			return "", &fault{text: "The provider does not offer PKCE with S256.", advice: "Allow it there."}
		}
		if !slices.ContainsFunc(says.Signs, func(a string) bool { return slices.Contains(algorithms, a) }) {
			return "", &fault{text: "The provider signs with none of " + strings.Join(algorithms, ", ") + ".", advice: "Choose one of them there."}
		}
		return "code, S256", nil
	}); err != nil {
		return err
	}
	if err := c.link("keys", func() (string, error) { return keys(ctx, says.Keys) }); err != nil {
		return err
	}
	return c.link("client", func() (string, error) {
		// Nobody got this code. Some providers look at the client first.
		_, err := config(set, secret, provider, "https://box.invalid/signed-in").Exchange(ctx, "no-code", oauth2.VerifierOption(oauth2.GenerateVerifier()))
		if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode == "invalid_grant" {
			return "The provider does not object to " + set.ClientID + "; the first sign-in shows the rest.", nil
		}
		if err == nil {
			return "", &fault{text: "The provider takes a code that it never gave.", advice: "Do not use it."}
		}
		return "", exchange(err)
	})
}

func keys(ctx context.Context, at string) (string, error) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" {
		return "", &fault{text: "The provider's keys are not at an https address.", advice: "Nobody could believe them."}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	resp, err := client(ctx).Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&set) != nil || len(set.Keys) == 0 {
		return "", &fault{text: "The provider shows no keys at " + at + " (" + resp.Status + ").", advice: "Without them nothing that it says can be checked."}
	}
	return strconv.Itoa(len(set.Keys)), nil
}

// exchange says why a code was not taken.
func exchange(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return err
	}
	switch e.ErrorCode {
	case "invalid_client", "unauthorized_client":
		return &fault{text: "The provider does not know this client, or its secret is wrong.", advice: "Compare client id and secret with what the provider has."}
	case "":
		return &fault{text: "The provider answered " + strconv.Itoa(e.Response.StatusCode) + " to the question for a token.", advice: "Look at its log."}
	}
	return &fault{text: strings.TrimSuffix("The provider said "+e.ErrorCode+": "+e.ErrorDescription, ": ") + ".", advice: "Look at its log."}
}
