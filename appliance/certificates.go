package main

import (
	"errors"
	"net/netip"
	"time"

	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/state"
)

// certificates fills in the authority and the two leaves, new ones where the
// kept ones no longer do.
func (d *daemon) certificates(in *render.Input) error {
	pair, ok, err := d.store.Pair("authority")
	if err == nil && !ok {
		if pair, err = certs.NewAuthority(d.now()); err == nil {
			err = d.store.PutPair("authority", pair)
		}
		d.log.Info("certificate authority made")
	}
	if err != nil {
		return err
	}
	ca, err := certs.Load(pair)
	if err != nil {
		return err
	}
	in.Authority = pair
	if in.Site, err = d.siteChain(); err != nil {
		return err
	}
	if in.Web, err = d.leaf(ca, "web", in.Names, in.Addresses); err != nil {
		return err
	}
	in.XMPP, err = d.leaf(ca, "xmpp", []string{render.Domain, render.AuthDomain}, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})})
	return err
}

func (d *daemon) leaf(ca *certs.Authority, name string, names []string, addrs []netip.Addr) (state.Pair, error) {
	pair, ok, err := d.store.Pair(name)
	if err != nil {
		return pair, err
	}
	// A clock from before this program was written is wrong. What begins then
	// is good on devices whose clocks are right.
	now := d.now()
	if now.Unix() < oldest {
		now = time.Unix(oldest, 0)
	}
	why := errors.New("there was none")
	if ok {
		why = ca.Current(now, pair, names, addrs)
	}
	if why == nil {
		return pair, nil
	}
	if pair, err = ca.Issue(now, names, addrs); err != nil {
		return pair, err
	}
	d.log.Info("certificate issued", "certificate", name, "names", names, "addresses", addrs, "why", why)
	return pair, d.store.PutPair(name, pair)
}
