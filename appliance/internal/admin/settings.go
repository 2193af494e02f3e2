package admin

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// page is how many rows a list answers with.
const page = 100

// proposed are the sections that take effect before they are kept; their
// owners have routes of their own that call [state.Store.PutSection].
var proposed = map[string]bool{"network": true}

// changers are who may change a section, where that is not every admin: who
// says which groups are owners could make himself one.
var changers = map[string]api.Role{"directory": api.Owner}

// changer is who may change the section.
func changer(section string) api.Role { return max(api.Admin, changers[section]) }

func settingsRoutes(p *Parts) []Route {
	routes := []Route{
		get("/api/v1/settings", api.Viewer, "All settings, with the revision of each section.", func(*Call) (api.SettingsState, error) { return p.Store.Settings() }),
		get("/api/v1/revisions", api.Viewer, "Changes of the settings, the newest first (section=, before=).", p.getRevisions),
		get("/api/v1/revisions/{number}", api.Viewer, "One change, with the section before and after it; the ETag is that of the section as it is now.", p.getRevision),
		send(http.MethodPost, "/api/v1/revisions/{number}/revert", api.Admin, "Makes the section what it was before that change; If-Match has the ETag of the change or of the section.", p.revert),
	}
	sections := new(api.Settings).Sections()
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		kind := reflect.TypeOf(sections[name]).Elem()
		routes = append(routes, Route{
			Method: http.MethodGet, Path: "/api/v1/settings/" + name, Role: api.Viewer, Doc: "The section " + name + ", with its revision as ETag.",
			Answer: kind, handle: func(c *Call) (any, error) { return p.getSection(c, name) },
		})
		if proposed[name] {
			continue
		}
		routes = append(routes, Route{
			Method: http.MethodPut, Path: "/api/v1/settings/" + name, Role: changer(name), Doc: "Changes the section " + name + "; If-Match has the ETag of what was changed.",
			Request: kind, Answer: kind, limit: maxBody, handle: func(c *Call) (any, error) { return p.putSection(c, name) },
		})
	}
	return routes
}

func (p *Parts) getSection(c *Call, name string) (any, error) {
	s, err := p.Store.Settings()
	if err != nil {
		return nil, err
	}
	c.SetETag(s.Revisions[name])
	return reflect.ValueOf(s.Settings.Sections()[name]).Elem().Interface(), nil
}

func (p *Parts) putSection(c *Call, name string) (any, error) {
	c.Audited()
	from, err := match(c)
	if err != nil {
		return nil, err
	}
	value := new(api.Settings).Sections()[name]
	if err := decodeInto(c, value); err != nil {
		return nil, err
	}
	if err := value.Validate(); err != nil {
		return nil, err
	}
	if _, err := p.Store.PutSection(c.Who, name, from, value); err != nil {
		return nil, err
	}
	if err := p.Apply(c.Context()); err != nil {
		return nil, err
	}
	return p.getSection(c, name)
}

func (p *Parts) getRevisions(c *Call) (out api.Revisions, err error) {
	before, err := c.Number("before")
	if err != nil {
		return out, err
	}
	out.Revisions, out.More, err = p.Store.Revisions(c.Query("section"), before, page)
	return out, err
}

// number is the {number} of the path.
func number(c *Call) (uint64, error) {
	n, err := strconv.ParseUint(c.PathValue("number"), 10, 63)
	if err != nil {
		return 0, state.ErrNone
	}
	return n, nil
}

func (p *Parts) getRevision(c *Call) (out api.RevisionDetail, err error) {
	n, err := number(c)
	if err != nil {
		return out, err
	}
	if out, err = p.Store.Revision(n); err == nil {
		c.SetETag(out.Now)
	}
	return out, err
}

func (p *Parts) revert(c *Call, _ None) (out api.Revision, err error) {
	c.Audited()
	n, err := number(c)
	if err != nil {
		return out, err
	}
	name, _, err := p.Store.Before(n)
	if err != nil {
		return out, err
	}
	if proposed[name] {
		return out, problem(http.StatusConflict, "propose", "Changes of the "+name+" are tried first and then confirmed. Open its page and enter the old values there.")
	}
	if need := changer(name); !c.Who.Role.May(need) {
		return out, problem(http.StatusForbidden, "role", "This is for the role "+need.String()+"; yours is "+c.Who.Role.String()+".")
	}
	from, err := match(c)
	if err != nil {
		return out, err
	}
	if out, err = p.Store.Revert(c.Who, n, from); err != nil {
		return out, err
	}
	c.SetETag(out.Number)
	return out, p.Apply(c.Context())
}
