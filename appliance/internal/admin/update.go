package admin

import (
	"context"
	"io"

	"meetbox.local/appliance/api"
)

// maxUpdate is beyond what fits onto any box.
const maxUpdate = 2 << 30

// Updates brings in new versions.
type Updates interface {
	Status() api.Update
	Begin(ctx context.Context, file io.Reader, force bool) error
}

func updateRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/update", api.Viewer, "The running version, and what becomes of a new one.", func(*Call) (api.Update, error) {
			return p.Updates.Status(), nil
		}),
		upload("POST", "/api/v1/update", api.Admin,
			"Takes an update file. It is answered once the file is verified; then the box installs it and restarts. With force=true it does not mind people in meetings.",
			maxUpdate, p.postUpdate),
		send("POST", "/api/v1/selfcall", api.Operator, "Has the box call itself, through all services, and says what works.", func(c *Call, _ None) (api.SelfCall, error) {
			return p.SelfCall(c.Context())
		}),
	}
}

func (p *Parts) postUpdate(c *Call, file io.Reader) (api.Update, error) {
	if err := p.Updates.Begin(c.Context(), file, c.Query("force") == "true"); err != nil {
		// A browser only reads the answer once it has sent all of the file.
		_, derr := io.Copy(io.Discard, file)
		p.Log.DebugContext(c.Context(), "update refused", "err", err, "rest", derr)
		return api.Update{}, err
	}
	s := p.Updates.Status()
	version := ""
	if s.Next != nil {
		version = s.Next.Version
	}
	c.Audited()
	return s, p.Store.Audit(c.Who, "update", version, "accepted")
}
