package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/secrets"
	"meetbox.local/appliance/internal/state"
)

func userRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/users", api.Viewer, "Who has an account for meetings and messages.", p.getUsers),
		send(http.MethodPost, "/api/v1/users", api.Admin, "Makes a user.", p.addUser),
		send(http.MethodPut, "/api/v1/users/{name}/password", api.Admin, "Gives a user a new password.", p.setUserPassword),
		send(http.MethodDelete, "/api/v1/users/{name}", api.Admin, "Removes a user; whoever is logged in with it is logged out.", p.removeUser),
		send(http.MethodPost, "/api/v1/invitations", api.Operator, "Makes a token that opens a room, whoever may begin meetings.", p.invite),
	}
}

func (p *Parts) getUsers(*Call) (out api.Users, err error) {
	users, err := p.Store.Users()
	out.Users = []api.User{}
	for _, u := range users {
		out.Users = append(out.Users, api.User{Name: u.Name, Created: u.Created})
	}
	return out, err
}

func (p *Parts) addUser(c *Call, q api.NewUser) (api.User, error) {
	c.Audited()
	scram, err := secrets.Credentials(q.Name, q.Password)
	if err != nil {
		return api.User{}, api.FieldErrors{"password": "This password has characters that cannot be typed everywhere. Take another one."}
	}
	u := state.User{Name: q.Name, SCRAM: scram, Created: time.Now()}
	err = p.Store.AddUser(c.Who, u)
	if errors.Is(err, state.ErrExists) {
		return api.User{}, api.FieldErrors{"name": "Somebody is called so already."}
	}
	if err == nil {
		err = p.Apply(c.Context())
	}
	return api.User{Name: u.Name, Created: u.Created}, err
}

func (p *Parts) setUserPassword(c *Call, q api.UserPassword) (None, error) {
	c.Audited()
	name := c.PathValue("name")
	scram, err := secrets.Credentials(name, q.Password)
	if err != nil {
		return None{}, api.FieldErrors{"password": "This password has characters that cannot be typed everywhere. Take another one."}
	}
	if err := p.Store.SetUserCredentials(c.Who, name, scram); err != nil {
		return None{}, err
	}
	return None{}, p.Apply(c.Context())
}

func (p *Parts) removeUser(c *Call, _ None) (None, error) {
	c.Audited()
	if err := p.Store.RemoveUser(c.Who, c.PathValue("name")); err != nil {
		return None{}, err
	}
	return None{}, p.Apply(c.Context())
}

// invite signs what Jitsi's clients know as a token, with the box's own key.
func (p *Parts) invite(_ *Call, q api.Invitation) (out api.Invited, err error) {
	secret, err := p.Store.TokenSecret()
	if err != nil {
		return out, err
	}
	hours := q.Hours
	if hours == 0 {
		hours = 24
	}
	now := time.Now()
	out.Expires = now.Add(time.Duration(hours) * time.Hour).Truncate(time.Second)
	user := map[string]any{"moderator": q.Moderator}
	if q.Name != "" {
		user["name"] = q.Name
	}
	if out.Token, err = p.sign(secret, q.Room, user, now, out.Expires); err != nil {
		return out, err
	}
	out.Path = api.RoomPath(q.Room) + "?jwt=" + out.Token
	return out, nil
}

// sign makes a token that opens a room, by its name in rules. Who has one is
// not let into rooms of that name below other tenants.
func (p *Parts) sign(secret state.Secret, room string, user map[string]any, now, until time.Time) (string, error) {
	subject, name := api.SplitRoom(room)
	if subject == "" {
		subject = render.Domain
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": api.BoxKey, "aud": "jitsi", "sub": subject, "room": name,
		"iat": now.Unix(), "exp": until.Unix(), "context": map[string]any{"user": user},
	})
	t.Header["kid"] = api.BoxKey
	return t.SignedString([]byte(secret))
}
