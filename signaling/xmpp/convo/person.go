package convo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// Settings is a World whose server's settings can be changed.
type Settings interface {
	// Change takes JSON whose members replace those of the settings.
	Change(t *testing.T, json string)
	// Token signs claims with a key that the server knows.
	Token(claims string) (string, error)
}

func person(order string) bool { return order == "login" || order == "guest" || order == "token" }

// person logs in over WebSocket: "login" with the password of an account,
// "guest" at the domain for guests, "token" with a JSON Web Token.
func (p *player) person(ctx context.Context, words []string) (*Client, error) {
	var query string
	if words[0] == "token" {
		var err error
		if query, err = p.token(words[1:]); err != nil {
			return nil, err
		}
	}
	wire, err := p.world.WebSocket(ctx, query)
	if err != nil {
		return nil, err
	}
	c := &Client{wire: wire}
	switch words[0] {
	case "guest":
		return c, c.guestAt(ctx, "guest.meet.jitsi", true)
	case "token":
		return c, c.guestAt(ctx, "meet.jitsi", true)
	}
	if len(words) != 3 {
		return nil, fmt.Errorf("login: want USER RESOURCE, got %q", words[1:])
	}
	c.user, c.door = words[1], p.world
	if err := c.login(ctx, p.world, "meet.jitsi", words[1]); err != nil {
		return nil, err
	}
	return c, c.bind(ctx, words[2])
}

// dial connects by WebSocket and says nothing. Who was here before may resume,
// so its counters are kept.
func (p *player) dial(ctx context.Context, before *Client, words []string) (*Client, error) {
	query, err := strings.Join(words, "&"), error(nil)
	if len(words) > 0 && words[0] == "token" {
		query, err = p.token(words[1:])
	}
	if err != nil {
		return nil, err
	}
	c := &Client{}
	if before != nil {
		c.handled, c.sent, c.base = before.handled, before.sent, before.base
	}
	c.wire, err = p.world.WebSocket(ctx, query)
	return c, err
}

// token is the query of a URL with claims that are signed, and what else there
// is to it.
func (p *player) token(words []string) (string, error) {
	w, ok := p.world.(Settings)
	if !ok || len(words) == 0 {
		return "", errors.New("token: no claims, or no key")
	}
	text, err := w.Token(words[0])
	return strings.Join(append(words[1:], "token="+url.QueryEscape(text)), "&"), err
}
