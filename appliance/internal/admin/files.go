package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/ctl"
)

func fileRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/files", api.Viewer, "The files that are shared in meetings, the newest first.", p.getFiles),
		send(http.MethodDelete, "/api/v1/files", api.Operator, "Deletes all files that are shared in meetings.", func(c *Call, _ None) (None, error) { return p.deleteFile(c, "") }),
		send(http.MethodDelete, "/api/v1/files/{id}", api.Operator, "Deletes a file that is shared in a meeting.", func(c *Call, _ None) (None, error) { return p.deleteFile(c, c.PathValue("id")) }),
	}
}

func (p *Parts) getFiles(c *Call) (out api.SharedFiles, err error) {
	b, err := ctl.Fetch(c.Context(), p.Control("signaling"), "/files")
	if err != nil {
		return out, fmt.Errorf("files: %w", err)
	}
	return out, json.Unmarshal(b, &out)
}

// deleteFile deletes one, or all of them without an id. The audit log has the
// file's name.
func (p *Parts) deleteFile(c *Call, id string) (None, error) {
	c.Audited()
	all, err := p.getFiles(c)
	if err != nil {
		return None{}, err
	}
	name := fmt.Sprintf("%d files", len(all.Files))
	for _, f := range all.Files {
		if f.ID == id {
			name = f.Name
		}
	}
	path := "/files/delete"
	if id != "" {
		path = "/files/" + url.PathEscape(id) + "/delete"
	}
	status, err := ctl.Post(c.Context(), p.Control("signaling"), path)
	switch {
	case err != nil:
		return None{}, fmt.Errorf("files: %w", err)
	case status == http.StatusNotFound:
		return None{}, state.ErrNone
	case status >= http.StatusBadRequest:
		return None{}, fmt.Errorf("files: signaling answered %d", status)
	}
	return None{}, p.Store.Audit(c.Who, "shared file deleted", name, "")
}
