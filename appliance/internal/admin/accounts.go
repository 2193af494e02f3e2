package admin

import (
	"net/http"

	"meetbox.local/appliance/api"
)

func accountRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/accounts", api.Admin, "Who may sign in.", p.getAccounts),
		person(send(http.MethodPost, "/api/v1/accounts", api.Owner, "Makes an account.", p.addAccount)),
		person(send(http.MethodPatch, "/api/v1/accounts/{name}", api.Owner, "Changes an account's role or password; If-Match has its revision, as in the list.", p.changeAccount)),
		person(send(http.MethodDelete, "/api/v1/accounts/{name}", api.Owner, "Removes an account.", p.removeAccount)),
		person(send(http.MethodDelete, "/api/v1/accounts/{name}/one-time", api.Owner, "Takes an account's authenticator out of use.", p.dropOneTime)),
		person(get("/api/v1/tokens", api.Operator, "Your tokens; an owner sees everybody's.", p.getTokens)),
		person(send(http.MethodPost, "/api/v1/tokens", api.Operator, "Makes a token for a program.", p.addToken)),
		person(send(http.MethodDelete, "/api/v1/tokens/{id}", api.Operator, "Takes a token back.", p.dropToken)),
	}
}

func (p *Parts) getAccounts(*Call) (out api.Accounts, err error) {
	out.Accounts, err = p.Accounts.Accounts()
	return out, err
}

func (p *Parts) addAccount(c *Call, q api.NewAccount) (api.Account, error) {
	c.Audited()
	return p.Accounts.Add(c.Context(), c.Who, q)
}

func (p *Parts) changeAccount(c *Call, q api.AccountChange) (api.Account, error) {
	c.Audited()
	revision, err := match(c)
	if err != nil {
		return api.Account{}, err
	}
	a, err := p.Accounts.Change(c.Context(), c.Who, c.PathValue("name"), revision, q)
	c.SetETag(a.Revision)
	return a, err
}

func (p *Parts) removeAccount(c *Call, _ None) (None, error) {
	c.Audited()
	return None{}, p.Accounts.Remove(c.Who, c.PathValue("name"))
}

func (p *Parts) dropOneTime(c *Call, _ None) (None, error) {
	c.Audited()
	return None{}, p.Accounts.EndOneTime(c.Who, c.PathValue("name"))
}

func (p *Parts) getTokens(c *Call) (out api.Tokens, err error) {
	out.Tokens, err = p.Accounts.Tokens(mine(c))
	return out, err
}

func (p *Parts) addToken(c *Call, q api.NewToken) (api.MadeToken, error) {
	c.Audited()
	return p.Accounts.MakeToken(c.Who, q)
}

func (p *Parts) dropToken(c *Call, _ None) (None, error) {
	c.Audited()
	return None{}, p.Accounts.DropToken(c.Who, c.PathValue("id"))
}
