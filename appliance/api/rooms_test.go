package api

import "testing"

// TestRoomNames: rules name a room as its address does, below a tenant's name
// or not.
func TestRoomNames(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"standup":      "/standup",
		"acme/standup": "/acme/standup",
		"büro/größe":   "/b%C3%BCro/gr%C3%B6%C3%9Fe",
		"50%/x":        "/50%25/x",
		"Standup":      "",
		"Acme/standup": "",
		"a b":          "",
		"a/b/c":        "",
		"/standup":     "",
		"acme/":        "",
		"a.b/standup":  "",
		"[a]/standup":  "",
		"a@b/standup":  "",
		"":             "",
	} {
		err := Rooms{Listed: []string{name}}.Validate()
		if (err == nil) != (path != "") {
			t.Errorf("%q: %v", name, err)
		}
		if got := RoomPath(name); path != "" && got != path {
			t.Errorf("%q is at %s, want %s", name, got, path)
		}
	}
}
