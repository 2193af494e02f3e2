package admin

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

// updates takes what it is told to.
type updates struct {
	refuse error
	took   string
	force  bool
}

func (*updates) Status() api.Update {
	return api.Update{Phase: api.UpdateWriting, Next: &api.Release{Version: "2", Counter: 2}}
}

func (u *updates) Begin(_ context.Context, file io.Reader, force bool) error {
	if u.refuse != nil {
		return u.refuse
	}
	b, err := io.ReadAll(file)
	u.took, u.force = string(b), force
	return err
}

// An update is an administrator's; what is refused is said, and what is taken
// is in the audit log.
func TestUpdate(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	u := &updates{}
	b.parts.Updates = u
	b.parts.SelfCall = func(context.Context) (api.SelfCall, error) { return api.SelfCall{Error: "nobody hears"}, nil }
	binary := []string{"Content-Type", "application/octet-stream"}
	b.client(t).want(http.StatusUnauthorized, "POST", "/api/v1/update", "file", binary...)
	if u.took != "" {
		t.Error("a stranger's file was read")
	}
	a := c.want(http.StatusOK, "POST", "/api/v1/update?force=true", "file", binary...)
	if s := read[api.Update](t, a); u.took != "file" || !u.force || s.Phase != api.UpdateWriting {
		t.Errorf("took %q, force %v, answer %s", u.took, u.force, a.body)
	}
	if a := c.want(http.StatusOK, "GET", "/api/v1/audit", nil); !strings.Contains(string(a.body), `"action":"update","object":"2"`) {
		t.Errorf("audit log %s", a.body)
	}
	u.refuse = api.Problem{Title: "Conflict", Status: http.StatusConflict, Code: "older-version", Detail: "It is older."}
	if a := c.want(http.StatusConflict, "POST", "/api/v1/update", strings.Repeat("x", 1<<20), binary...); a.problem.Code != "older-version" {
		t.Errorf("refused with %s", a.body)
	}
	if a := c.want(http.StatusOK, "GET", "/api/v1/update", nil); !strings.Contains(string(a.body), `"phase":"writing"`) {
		t.Errorf("status %s", a.body)
	}
	if r := read[api.SelfCall](t, c.want(http.StatusOK, "POST", "/api/v1/selfcall", nil)); r.OK || r.Error != "nobody hears" {
		t.Errorf("call %+v", r)
	}
}
