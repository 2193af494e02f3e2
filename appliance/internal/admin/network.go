package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/state"
)

// localAddress is the header in which web says at which of the box's
// addresses a request arrived.
const localAddress = "X-Local-Address"

// Network changes the box's addresses.
type Network interface {
	Propose(ctx context.Context, n api.Network, who state.Actor, match *uint64, from netip.Addr) (api.PendingNetwork, error)
	Confirm(ctx context.Context, id string, at netip.Addr) error
	TakeBack(ctx context.Context, id string) error
	Status() api.NetworkStatus
}

// Clock sets the box's time.
type Clock interface {
	Status() api.ClockStatus
	SetFromBrowser(t time.Time) error
}

// Island serves a network of its own.
type Island interface{ Status() api.IslandStatus }

// Names announces what the box is called.
type Names interface{ Status() api.NamesStatus }

func networkRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/network", api.Viewer, "What the network is like now, and the change that waits to be confirmed.", func(*Call) (api.NetworkStatus, error) {
			if p.Network == nil {
				return api.NetworkStatus{}, errElsewhere
			}
			return p.Network.Status(), nil
		}),
		send(http.MethodPost, "/api/v1/network/propose", api.Admin, "Changes the section network for 90 seconds, until it is confirmed; If-Match has the ETag of the section.", p.proposeNetwork),
		send(http.MethodPost, "/api/v1/network/confirm", api.Admin, "Keeps the change of the network. Ask this at the box's new address.", p.confirmNetwork),
		send(http.MethodPost, "/api/v1/network/take-back", api.Admin, "Undoes the change of the network that waits.", p.takeBackNetwork),
		get("/api/v1/names", api.Viewer, "What the box is called on the network, and the records for the site's own DNS server.", func(*Call) (api.NamesStatus, error) {
			if p.Names == nil {
				return api.NamesStatus{}, errElsewhere
			}
			return p.Names.Status(), nil
		}),
		get("/api/v1/island", api.Viewer, "The networks that the box itself serves, and who has an address there.", func(*Call) (api.IslandStatus, error) {
			if p.Island == nil {
				return api.IslandStatus{}, errElsewhere
			}
			return p.Island.Status(), nil
		}),
		get("/api/v1/clock", api.Viewer, "What time the box thinks it is, and why.", func(*Call) (api.ClockStatus, error) {
			if p.Clock == nil {
				return api.ClockStatus{}, errElsewhere
			}
			return p.Clock.Status(), nil
		}),
		send(http.MethodPost, "/api/v1/clock/set", api.Admin, "Sets the clock from the browser's.", func(c *Call, q api.SetClock) (api.ClockStatus, error) {
			if p.Clock == nil {
				return api.ClockStatus{}, errElsewhere
			}
			if err := p.Clock.SetFromBrowser(q.Now); err != nil {
				return api.ClockStatus{}, problem(http.StatusConflict, "clock", err.Error())
			}
			return p.Clock.Status(), nil
		}),
	}
}

// here is the box's address at which the request arrived.
func (c *Call) here() netip.Addr {
	a, err := netip.ParseAddr(c.Header.Get(localAddress))
	if err != nil {
		return netip.Addr{} // from a program on the box
	}
	return a.Unmap().WithZone("")
}

func (p *Parts) proposeNetwork(c *Call, n api.Network) (out api.PendingNetwork, err error) {
	revision, err := match(c)
	if err != nil {
		return out, err
	}
	last, _, err := p.Store.Revisions("network", 0, 1)
	if err != nil {
		return out, err
	}
	last = append(last, api.Revision{Section: "network"}) // never changed
	if revision != nil && last[0].Number != *revision {
		return out, &state.Conflict{Last: last[0]}
	}
	if p.Network == nil {
		return out, errElsewhere
	}
	return p.pendingNetwork(p.Network.Propose(c.Context(), n, c.Who, revision, c.here()))
}

func (p *Parts) pendingNetwork(out api.PendingNetwork, err error) (api.PendingNetwork, error) {
	return out, waiting(err)
}

// waiting tells a person what is wrong with a question about a change.
func waiting(err error) error {
	for _, known := range []error{network.ErrPending, network.ErrNone, network.ErrElsewhere, network.ErrEarly} {
		if errors.Is(err, known) {
			return problem(http.StatusConflict, "network", sentence(known))
		}
	}
	return err
}

func sentence(err error) string {
	text := err.Error()
	return string(text[0]-'a'+'A') + text[1:] + "."
}

func (p *Parts) confirmNetwork(c *Call, q api.PendingID) (out api.NetworkStatus, err error) {
	if p.Network == nil {
		return out, errElsewhere
	}
	if err := waiting(p.Network.Confirm(c.Context(), q.ID, c.here())); err != nil {
		return out, err
	}
	return p.Network.Status(), nil
}

func (p *Parts) takeBackNetwork(c *Call, q api.PendingID) (out api.NetworkStatus, err error) {
	if p.Network == nil {
		return out, errElsewhere
	}
	if err := waiting(p.Network.TakeBack(c.Context(), q.ID)); err != nil {
		return out, err
	}
	return p.Network.Status(), nil
}
