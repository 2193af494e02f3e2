package choice

import (
	"testing"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

func bridge(name string, change func(*Bridge)) Bridge {
	b := Unseen(jid.MustParse("brewery@muc.x/" + name)).Update(stats("drain", "false"))
	if change != nil {
		change(&b)
	}
	return b
}

func stats(pairs ...string) jitsimeet.Stats {
	var s jitsimeet.Stats
	for i := 0; i < len(pairs); i += 2 {
		s.Stats = append(s.Stats, jitsimeet.Stat{Name: pairs[i], Value: pairs[i+1]})
	}
	return s
}

func TestPick(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, region, want string
		bridges            []Bridge
	}{
		{"none", "", "", nil},
		{"one", "", "a", []Bridge{bridge("a", nil)}},
		{"same load", "", "a", []Bridge{bridge("b", nil), bridge("a", nil)}},
		{"least load", "", "b", []Bridge{bridge("a", func(b *Bridge) { b.Stress = 0.3 }), bridge("b", func(b *Bridge) { b.Stress = 0.2 })}},
		{"load to come", "", "a", []Bridge{bridge("a", func(b *Bridge) { b.Stress = 0.3 }), bridge("b", func(b *Bridge) { b.Stress, b.Recent = 0.2, 20 })}},
		{"failed", "", "b", []Bridge{bridge("a", func(b *Bridge) { b.Failed = true }), bridge("b", func(b *Bridge) { b.Stress = 0.7 })}},
		{"unhealthy", "", "", []Bridge{bridge("a", func(b *Bridge) { b.Healthy = false })}},
		{"stopping", "", "", []Bridge{bridge("a", func(b *Bridge) { b.Stopping = true })}},
		{"draining last", "", "b", []Bridge{bridge("a", func(b *Bridge) { b.Drain = true }), bridge("b", func(b *Bridge) { b.Stress = 0.9 })}},
		{"draining rather than none", "", "a", []Bridge{bridge("a", func(b *Bridge) { b.Drain = true })}},
		{"shutting down", "", "", []Bridge{bridge("a", func(b *Bridge) { b.Graceful = true })}},
		{"never said that it does not drain", "", "b", []Bridge{Unseen(jid.MustParse("brewery@muc.x/a")), bridge("b", func(b *Bridge) { b.Stress = 0.5 })}},
		{"region", "eu", "b", []Bridge{bridge("a", nil), bridge("b", func(b *Bridge) { b.Region, b.Stress = "eu", 0.5 })}},
		{"region overloaded", "eu", "a", []Bridge{bridge("a", nil), bridge("b", func(b *Bridge) { b.Region, b.Stress = "eu", 0.85 })}},
		{"region unknown", "us", "a", []Bridge{bridge("a", nil)}},
		{"all overloaded", "", "b", []Bridge{bridge("a", func(b *Bridge) { b.Stress = 2 }), bridge("b", func(b *Bridge) { b.Stress = 1 })}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, ok := Pick(tc.bridges, tc.region)
			if got.JID.Resource() != tc.want || ok != (tc.want != "") {
				t.Errorf("Pick(%+v, %q) = %q, %v, want %q", tc.bridges, tc.region, got.JID, ok, tc.want)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	b := Unseen(jid.MustParse("brewery@muc.x/a"))
	b = b.Update(stats("stress_level", "0.25", "drain", "FALSE", "version", "2.3", "release", "x", "relay_id", "r", "graceful_shutdown", "true", "healthy", "yes"))
	want := Bridge{JID: b.JID, Stress: 0.25, Share: 0.01, Version: "2.3-x", RelayID: "r", Graceful: true}
	if b != want {
		t.Errorf("Update = %+v, want %+v", b, want)
	}
	b = b.Update(stats("graceful_shutdown", "false", "stress_level", "-1", "healthy", "true"))
	if !b.Graceful || b.Stress != 0.25 || !b.Healthy {
		t.Errorf("Update = %+v", b)
	}
}
