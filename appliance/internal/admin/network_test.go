package admin

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/state"
)

// wired stands for the box's network: it notes at which address it was asked.
type wired struct {
	from, at netip.Addr
	match    *uint64
	err      error
	ports    []api.PortStatus
	proposed api.Network
}

func (w *wired) Propose(_ context.Context, n api.Network, _ state.Actor, match *uint64, from netip.Addr) (api.PendingNetwork, error) {
	w.from, w.match, w.proposed = from, match, n
	return api.PendingNetwork{ID: "id", Network: n, Seconds: 90}, w.err
}
func (w *wired) Confirm(_ context.Context, _ string, at netip.Addr) error { w.at = at; return w.err }
func (w *wired) TakeBack(context.Context, string) error                   { return w.err }
func (w *wired) Status() api.NetworkStatus                                { return api.NetworkStatus{Ports: w.ports} }

type hand struct{ err error }

func (h hand) Status() api.ClockStatus        { return api.ClockStatus{Source: api.ClockBrowser} }
func (h hand) SetFromBrowser(time.Time) error { return h.err }

func TestNetworkRoutes(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	fixed := api.Network{Ports: []api.Port{{Card: "eth0", IPv4: api.IPv4{Mode: api.Static, Address: netip.MustParsePrefix("192.0.2.7/24")}}}}
	for _, path := range []string{"network", "names", "clock", "island"} {
		if a := c.want(501, "GET", "/api/v1/"+path, nil); a.problem.Code != "only-on-the-box" {
			t.Errorf("%s: %+v", path, a.problem)
		}
	}
	w := &wired{}
	b.parts.Network, b.parts.Clock = w, hand{}
	c.want(428, "POST", "/api/v1/network/propose", fixed)
	if a := c.want(422, "POST", "/api/v1/network/propose", api.Network{Ports: []api.Port{{Card: "lo"}}}, "If-Match", `"0"`); !strings.Contains(a.problem.Fields["ports.0.card"], "stays as it is") {
		t.Errorf("%+v", a.problem)
	}
	c.want(200, "POST", "/api/v1/network/propose", fixed, "If-Match", `"0"`, "X-Local-Address", "::ffff:192.0.2.1")
	if w.from != netip.MustParseAddr("192.0.2.1") || w.match == nil || *w.match != 0 {
		t.Errorf("asked at %v, from revision %v", w.from, w.match)
	}
	c.want(200, "POST", "/api/v1/network/confirm", api.PendingID{ID: "id"}, "X-Local-Address", "192.0.2.7")
	if w.at != netip.MustParseAddr("192.0.2.7") {
		t.Errorf("confirmed at %v", w.at)
	}
	for _, err := range []error{network.ErrPending, network.ErrNone, network.ErrElsewhere, network.ErrEarly} {
		w.err = err
		if a := c.want(409, "POST", "/api/v1/network/confirm", api.PendingID{ID: "id"}); !strings.EqualFold(strings.TrimSuffix(a.problem.Detail, "."), err.Error()) {
			t.Errorf("%v: %+v", err, a.problem)
		}
	}
	c.want(200, "POST", "/api/v1/clock/set", api.SetClock{Now: time.Now()})
	b.parts.Clock = hand{errors.New("no: later")}
	if a := c.want(409, "POST", "/api/v1/clock/set", api.SetClock{Now: time.Now()}); a.problem.Detail != "no: later" {
		t.Errorf("%+v", a.problem)
	}
	// Somebody else changed the network meanwhile.
	if _, err := b.parts.Store.PutSection(state.Actor{Name: "another"}, "network", nil, &fixed); err != nil {
		t.Fatal(err)
	}
	w.err = nil
	if a := c.want(412, "POST", "/api/v1/network/propose", fixed, "If-Match", `"0"`); a.problem.Conflict == nil || a.problem.Conflict.Who != "another" {
		t.Errorf("%+v", a.problem)
	}
}
