package admin

import (
	"cmp"
	"net/http"
	"time"

	"meetbox.local/appliance/api"
)

const (
	// hostLife is how long somebody of a directory is a meeting's host for
	// having signed in: a line that breaks in the middle must not ask again,
	// and every working day the directory is asked.
	hostLife = 12 * time.Hour
	// maxSignIn bounds a request.
	maxSignIn = 8 << 10
)

// publicHost gives somebody whom the directory knows a token for one room,
// signed like an invitation. Signaling knows nothing of directories.
func (p *Parts) publicHost(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q, ok := public[api.HostSignIn](w, r, maxSignIn)
	if !ok {
		return
	}
	// Below whose name the page is, web says, as it does to signaling.
	if tenant := r.URL.Query().Get("prefix"); tenant != "" {
		if q.Room = tenant + "/" + q.Room; !api.RoomName(q.Room) {
			writeProblem(w, api.Problem{Status: http.StatusBadRequest, Code: "invalid", Detail: "No tenant can have this name."})
			return
		}
	}
	out, err := p.host(r, q)
	if err != nil {
		p.refuse(w, Route{Path: api.HostPath}, &Call{Request: r}, err)
		return
	}
	p.json(w, http.StatusOK, out)
}

func (p *Parts) host(r *http.Request, q api.HostSignIn) (out api.HostToken, err error) {
	who, err := p.Accounts.Host(r.Context(), peerOf(r), q)
	if err != nil {
		return out, err
	}
	secret, err := p.Store.TokenSecret()
	if err != nil {
		return out, err
	}
	out.Name = cmp.Or(who.Called, who.Name)
	user := map[string]any{"id": who.Name, "name": out.Name, "moderator": true}
	if who.Mail != "" {
		user["email"] = who.Mail
	}
	now := p.now()
	out.Token, err = p.sign(secret, q.Room, user, now, now.Add(hostLife))
	return out, err
}
