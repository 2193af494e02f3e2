package admin

import (
	"cmp"

	"meetbox.local/appliance/api"
)

func statusRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/setup", api.Nobody, "Whether the box has an owner yet.", p.getSetup),
		get("/api/v1/status", api.Viewer, "Names, addresses and versions of the box.", func(*Call) (api.Status, error) { return p.Source.Status(), nil }),
		get("/api/v1/health", api.Viewer, "How every service is.", func(c *Call) (api.Health, error) { return Ask(c.Context(), p.Services, p.Control), nil }),
	}
}

func (p *Parts) getSetup(*Call) (api.Setup, error) {
	code, err := p.Accounts.SetupCode()
	if err != nil {
		return api.Setup{}, err
	}
	claimed, err := p.Accounts.Claimed()
	s := p.Source.Status()
	out := api.Setup{Claimed: claimed, Version: s.Version, Now: p.now().UTC(), Code: code != ""}
	if len(s.Names) > 0 {
		out.Name = s.Names[0]
	}
	if err == nil {
		out.Provider, err = p.provider()
	}
	return out, err
}

// provider is what the button for it says.
func (p *Parts) provider() (string, error) {
	set, err := p.Store.Settings()
	if err != nil {
		return "", err
	}
	o := set.Settings.Directory.OIDC
	host, _, ok := o.HostPort()
	if !ok {
		return "", nil
	}
	return cmp.Or(o.Label, host), nil
}
