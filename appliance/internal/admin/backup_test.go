package admin

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/state"
)

// withAuthority gives the box's state an authority, as the appliance does at
// its first start.
func (b *box) withAuthority(t *testing.T) {
	t.Helper()
	pair, err := certs.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.parts.Store.PutPair("authority", pair); err != nil {
		t.Fatal(err)
	}
}

// TestBackupToOtherHardware: a spare box becomes the one that broke.
func TestBackupToOtherHardware(t *testing.T) {
	t.Parallel()
	const phrase = "four words in a row"
	old, owner, _ := claimed(t)
	old.withAuthority(t)
	owner.want(200, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 45}, "If-Match", "*")
	owner.want(422, "POST", "/api/v1/backup", api.NewBackup{Passphrase: "short"})
	file := owner.want(200, "POST", "/api/v1/backup", api.NewBackup{Passphrase: phrase})
	if file.header.Get("Content-Disposition") == "" {
		t.Error("a backup without a name")
	}

	spare := newBox(t)
	spare.withAuthority(t)
	code, err := spare.parts.Accounts.SetupCode()
	if err != nil {
		t.Fatal(err)
	}
	c := spare.client(t)
	c.want(200, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "Bea Bay", Password: password})
	c.want(409, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase})
	c.want(200, "POST", "/api/v1/restore", string(file.body), "Content-Type", "application/octet-stream")
	a := c.want(422, "PUT", "/api/v1/restore", api.Restore{Passphrase: "four other words here"})
	if a.problem.Fields["passphrase"] == "" {
		t.Errorf("wrong passphrase: %s", a.body)
	}
	look := read[api.RestoreResult](t, c.want(200, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase, Try: true}))
	if look.Restored || look.Same || len(look.Accounts) != 1 || look.Accounts[0] != "Ada Town" {
		t.Errorf("a look inside: %+v", look)
	}
	if got := read[api.Console](t, c.want(200, "GET", "/api/v1/settings/console", nil)); got.IdleMinutes != 0 {
		t.Errorf("a look changed something: %+v", got)
	}
	done := read[api.RestoreResult](t, c.want(200, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase}))
	if !done.Restored || spare.applied != 1 {
		t.Errorf("restored: %+v, applied %d times", done, spare.applied)
	}
	c.want(401, "GET", "/api/v1/settings", nil) // whoever set it up is not known any more
	c.want(401, "POST", "/api/v1/session", api.SignIn{Name: "Bea Bay", Password: password})
	c.want(200, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: password})
	if got := read[api.Console](t, c.want(200, "GET", "/api/v1/settings/console", nil)); got.IdleMinutes != 45 {
		t.Errorf("settings: %+v", got)
	}
	was, _, err1 := old.parts.Store.Pair("authority")
	is, _, err2 := spare.parts.Store.Pair("authority")
	if err1 != nil || err2 != nil || string(was.Key) != string(is.Key) {
		t.Errorf("another authority: %v, %v", err1, err2)
	}
	if log := read[api.Audit](t, c.want(200, "GET", "/api/v1/audit", nil)); !log.Intact || len(log.Rows) < 3 {
		t.Errorf("the spare's own audit log: %+v", log)
	}
	c.want(409, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase})
}

// TestRestoreNetwork: the other machine's cards are others; what was on the one
// goes to the one that is said to take its place, and has to be confirmed.
func TestRestoreNetwork(t *testing.T) {
	t.Parallel()
	const phrase, gone, here = "four words in a row", "02:00:5e:10:00:01", "02:00:5e:10:00:02"
	old, owner, _ := claimed(t)
	old.withAuthority(t)
	fixed := api.Network{Ports: []api.Port{
		{Card: gone, IPv4: api.IPv4{Mode: api.Static, Address: netip.MustParsePrefix("192.0.2.7/24")}},
		{Card: "eth1", Role: api.PortOff},
	}}
	if _, err := old.parts.Store.PutSection(state.Actor{Name: "ada"}, "network", nil, &fixed); err != nil {
		t.Fatal(err)
	}
	file := owner.want(200, "POST", "/api/v1/backup", api.NewBackup{Passphrase: phrase})

	spare, c, _ := claimed(t)
	spare.withAuthority(t)
	w := &wired{ports: []api.PortStatus{{Name: "eth0", Card: here}, {Name: "eth1", Card: "02:00:5e:10:00:03"}}}
	spare.parts.Network = w
	c.want(200, "POST", "/api/v1/restore", string(file.body), "Content-Type", "application/octet-stream")
	look := read[api.RestoreResult](t, c.want(200, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase, Network: true, Try: true}))
	if want := []api.RestoreCard{{Card: gone}, {Card: "eth1", Here: true}}; !slices.Equal(look.Cards, want) || look.Pending != nil {
		t.Errorf("cards %+v, pending %v, want %+v", look.Cards, look.Pending, want)
	}
	for _, cards := range []map[string]string{nil, {gone: "eth7"}} {
		a := c.want(422, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase, Network: true, Cards: cards})
		if !strings.Contains(a.problem.Fields["cards."+gone], "no network card") {
			t.Errorf("%v: %s", cards, a.body)
		}
	}
	w.err = network.ErrPending
	c.want(409, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase, Network: true, Cards: map[string]string{gone: "eth0"}})
	c.want(200, "GET", "/api/v1/settings", nil) // still who he was: nothing was restored
	w.err = nil
	done := read[api.RestoreResult](t, c.want(200, "PUT", "/api/v1/restore", api.Restore{Passphrase: phrase, Network: true, Cards: map[string]string{gone: "eth0"}}))
	if !done.Restored || done.Pending == nil || w.proposed.Ports[0].Card != "eth0" || w.proposed.Ports[1].Card != "eth1" {
		t.Errorf("%+v, proposed %+v", done, w.proposed)
	}
	kept, err := spare.parts.Store.Settings()
	if err != nil || len(kept.Settings.Network.Ports) != 0 {
		t.Errorf("kept before it is confirmed: %+v, %v", kept.Settings.Network, err)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	b.withAuthority(t)
	before, _, err := b.parts.Store.Pair("authority")
	if err != nil {
		t.Fatal(err)
	}
	c.want(200, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 45}, "If-Match", "*")
	if a := c.want(422, "POST", "/api/v1/reset", api.Reset{Depth: api.ResetSettings, Name: "yes"}); a.problem.Fields["name"] == "" {
		t.Errorf("%s", a.body)
	}
	c.want(204, "POST", "/api/v1/reset", api.Reset{Depth: api.ResetSettings, Name: "meetbox.local"})
	if got := read[api.Console](t, c.want(200, "GET", "/api/v1/settings/console", nil)); got.IdleMinutes != 0 {
		t.Errorf("after a reset of the settings: %+v", got)
	}
	c.want(204, "POST", "/api/v1/reset", api.Reset{Depth: api.ResetEverything, KeepAuthority: true, Name: "meetbox.local"})
	if s := read[api.Setup](t, c.want(200, "GET", "/api/v1/setup", nil)); s.Claimed {
		t.Error("claimed after a reset of everything")
	}
	after, ok, err := b.parts.Store.Pair("authority")
	if err != nil || !ok || string(after.Key) != string(before.Key) {
		t.Errorf("the authority that was to be kept: %v, %v", ok, err)
	}
	code, err := b.parts.Accounts.SetupCode()
	if err != nil || code == "" {
		t.Fatalf("setup code %q, %v", code, err)
	}
	c.cookie = ""
	c.want(200, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "Bea Bay", Password: password})
	c.want(204, "POST", "/api/v1/reset", api.Reset{Depth: api.ResetEverything, Name: "meetbox.local"})
	if _, ok, err := b.parts.Store.Pair("authority"); ok || err != nil {
		t.Errorf("the authority is still there: %v", err)
	}
}
