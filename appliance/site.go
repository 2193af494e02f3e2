package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/acme"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/state"
)

const (
	// How often it is looked whether a certificate is due at the site's
	// authority, and how long a refusal keeps the box from asking again.
	siteLook    = time.Minute
	siteLongest = 6 * time.Hour
	// A clock before this is wrong: the program was not written yet.
	oldest = 1_790_000_000 // seconds since 1970; September 2026
)

// site looks after the certificate from outside, where the settings want one.
type site struct {
	answers acme.Answers
	kick    chan struct{} // one element when the settings may have changed

	mu      sync.Mutex
	problem string
}

func newSite() *site { return &site{kick: make(chan struct{}, 1)} }

// Problem says why there is no certificate from outside.
func (s *site) Problem() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

func (s *site) say(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = problem
}

// siteChain is the certificate from outside to use now, nil for none. One
// that cannot be used is no reason to stop: the box's own takes its place.
func (d *daemon) siteChain() (*state.Chain, error) {
	set, err := d.store.Settings()
	if err != nil {
		return nil, err
	}
	source := set.Settings.Certificates.Source
	if source == "" || source == api.SourceOwn {
		d.site.say("")
		return nil, nil
	}
	ch, ok, err := d.store.Chain(string(source))
	if err != nil {
		return nil, err
	}
	if !ok && source == api.SourceACME {
		return nil, nil // it is being asked for
	}
	if err := certs.Usable(d.now(), ch); err != nil {
		d.site.say("The certificate from outside is not in use: " + err.Error() + ". The box's own takes its place.")
		return nil, nil
	}
	if source == api.SourceUploaded {
		d.site.say("")
	}
	return &ch, nil
}

// runSite asks the site's authority for certificates until ctx ends.
func (d *daemon) runSite(ctx context.Context) {
	tick := time.NewTicker(siteLook)
	defer tick.Stop()
	var asked api.ACME
	wait, next := siteLook, time.Time{}
	for {
		set, err := d.store.Settings()
		if err != nil {
			d.log.Error("site's certificate", "err", err)
		}
		want := set.Settings.Certificates
		if same := fmt.Sprint(want.ACME) == fmt.Sprint(asked); !same {
			wait, next = siteLook, time.Time{}
		}
		if err == nil && want.Source == api.SourceACME && !time.Now().Before(next) {
			asked = want.ACME
			if err := d.obtain(ctx, want.ACME); err != nil && ctx.Err() == nil {
				d.log.Error("no certificate from the site's authority", "err", err, "again in", wait)
				d.site.say("The site's authority gives no certificate: " + err.Error() + ".")
				next, wait = time.Now().Add(wait), min(2*wait, siteLongest)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.site.kick:
		}
	}
}

// obtain gets a certificate if one is due.
func (d *daemon) obtain(ctx context.Context, set api.ACME) error {
	ch, _, err := d.store.Chain(string(api.SourceACME))
	if err != nil || !certs.Due(d.now(), ch, set.Names) {
		return err
	}
	if d.now().Unix() < oldest {
		return errors.New("the box's clock is wrong, so it could not tell a good certificate from a bad one; set the clock")
	}
	key, ok, err := d.store.ACMEKey()
	if err == nil && !ok {
		if key, err = acme.NewAccountKey(); err == nil {
			err = d.store.PutACMEKey(key)
		}
	}
	if err != nil {
		return err
	}
	if ch, err = acme.Obtain(ctx, set, key, &d.site.answers); err != nil {
		return err
	}
	d.log.Info("certificate from the site's authority", "names", set.Names)
	d.site.say("")
	return errors.Join(d.store.PutChain(string(api.SourceACME), ch), d.applyNow(ctx))
}
