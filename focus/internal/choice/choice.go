// Package choice picks the bridge for a conference from what the bridges say
// of themselves. Pure: everything it needs is in its arguments.
package choice

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

// Overload is the stress from which a bridge gets no new conferences while
// another has less.
const Overload = 0.8

// defaultShare is the stress of one participant when a bridge does not say.
const defaultShare = 0.01

// maxStress is more than a bridge that is alive would say; not a number is
// not less.
const maxStress = 1000

// Bridge is one bridge as last seen.
type Bridge struct {
	JID      jid.JID
	Stress   float64 // 0 … 1 and above
	Share    float64 // of one participant
	Recent   int     // participants sent there that Stress does not know of yet
	Region   string
	Version  string
	RelayID  string
	Drain    bool // wants no new conferences
	Graceful bool // takes no new conferences
	Stopping bool // is about to exit
	Healthy  bool // by its own word
	Failed   bool // by what it answered, or did not answer
}

// Unseen is a bridge before its first statistics. One that never says that it
// is not draining counts as draining.
func Unseen(j jid.JID) Bridge {
	return Bridge{JID: j, Share: defaultShare, Drain: true, Healthy: true}
}

// Update applies published statistics; what they do not mention stays.
func (b Bridge) Update(s jitsimeet.Stats) Bridge {
	number := func(name string, into *float64) {
		if v, ok := s.Stat(name); ok {
			if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 && f <= maxStress {
				*into = f
			}
		}
	}
	flag := func(name string, into *bool) {
		if v, ok := s.Stat(name); ok {
			*into = strings.EqualFold(v, "true")
		}
	}
	number("stress_level", &b.Stress)
	number("average_participant_stress", &b.Share)
	flag("drain", &b.Drain)
	flag("healthy", &b.Healthy)
	var graceful, stopping bool
	flag("graceful_shutdown", &graceful)
	flag("shutting_down", &stopping)
	b.Graceful = b.Graceful || graceful // there is no way back
	b.Stopping = b.Stopping || stopping
	b.Region, _ = s.Stat("region")
	b.RelayID, _ = s.Stat("relay_id")
	b.Version, _ = s.Stat("version")
	if r, ok := s.Stat("release"); ok {
		b.Version += "-" + r
	}
	return b
}

// Load is the stress with the participants it does not know of yet.
func (b Bridge) Load() float64 { return b.Stress + float64(b.Recent)*b.Share }

// Usable tells whether a conference may be there at all.
func (b Bridge) Usable() bool { return b.Healthy && !b.Failed && !b.Stopping }

// Pick returns the best bridge for a new conference of participants of a
// region. One that is shutting down would refuse it; draining ones are taken
// only when there is nothing else; the participants' region counts as long as
// a bridge there is not overloaded.
func Pick(all []Bridge, region string) (Bridge, bool) {
	list := slices.DeleteFunc(slices.Clone(all), func(b Bridge) bool { return !b.Usable() || b.Graceful })
	list = prefer(list, func(b Bridge) bool { return !b.Drain })
	list = prefer(list, func(b Bridge) bool { return b.Load() < Overload })
	if region != "" {
		list = prefer(list, func(b Bridge) bool { return b.Region == region })
	}
	if len(list) == 0 {
		return Bridge{}, false
	}
	return slices.MinFunc(list, func(a, b Bridge) int {
		return cmp.Or(cmp.Compare(a.Load(), b.Load()), cmp.Compare(a.JID.String(), b.JID.String()))
	}), true
}

// prefer keeps those that pass, unless none does.
func prefer(list []Bridge, pass func(Bridge) bool) []Bridge {
	var out []Bridge
	for _, b := range list {
		if pass(b) {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return list
	}
	return out
}
