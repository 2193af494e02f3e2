package tally

import (
	"net/netip"
	"strconv"
	"testing"
	"time"
)

var begin = time.Date(2026, 8, 20, 10, 0, 0, 0, time.UTC)

// TestBounded: what is remembered does not grow without end.
func TestBounded(t *testing.T) {
	t.Parallel()
	var b Book
	from := netip.MustParseAddr("10.0.0.0")
	for i := range 2 * known {
		b.Try(from, strconv.Itoa(i), begin, func(_, _ Count) time.Duration { return 0 })
		from = from.Next()
	}
	if len(b.addresses) > known || len(b.things) > known {
		t.Errorf("%d addresses, %d things", len(b.addresses), len(b.things))
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ a, b string }{
		{"192.0.2.1", "::ffff:192.0.2.1"},
		{"2001:db8::1", "2001:db8::ffff"},
		{"fe80::1%eth0", "fe80::2"},
	} {
		if a, b := Home(netip.MustParseAddr(tc.a)), Home(netip.MustParseAddr(tc.b)); a != b {
			t.Errorf("%s: %v, %s: %v", tc.a, a, tc.b, b)
		}
	}
	for _, tc := range []struct{ a, b string }{
		{"192.0.2.1", "192.0.2.2"},
		{"2001:db8::1", "2001:db8:0:1::1"},
	} {
		if a, b := Home(netip.MustParseAddr(tc.a)), Home(netip.MustParseAddr(tc.b)); a == b {
			t.Errorf("%s and %s: %v", tc.a, tc.b, a)
		}
	}
	if p := Home(netip.Addr{}); p != (netip.Prefix{}) {
		t.Errorf("none: %v", p)
	}
}

// TestForget: what was an hour ago does not count, and takes nothing along when
// a guess is taken back.
func TestForget(t *testing.T) {
	t.Parallel()
	var b Book
	from, later := netip.MustParseAddr("192.0.2.1"), begin.Add(Forget+time.Second)
	free := func(_, _ Count) time.Duration { return 0 }
	for range 2 * Crowd {
		b.Try(from, "ada", begin, free)
	}
	if here, there := b.Look(from, "ada", begin); here.N != 2*Crowd || here != there {
		t.Errorf("at once: %+v, %+v", here, there)
	}
	if here, there := b.Look(from, "ada", later); here != (Count{}) || there != here {
		t.Errorf("an hour later: %+v, %+v", here, there)
	}
	g, _ := b.Try(from, "ada", later, free)
	if here, _ := b.Look(from, "ada", later); here != (Count{1, later}) {
		t.Errorf("the next: %+v", here)
	}
	g.None()
	if len(b.addresses)+len(b.things) != 0 {
		t.Errorf("taken back: %v, %v", b.addresses, b.things)
	}
}
