package colibri

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	// joinTimeout is for the room's answer to a join.
	joinTimeout = 5 * time.Second
	// rejoinAfter is how long a refused or expelled bridge stays out. The
	// focus may just be making the brewery.
	rejoinAfter = time.Second
)

var errNotBrewery = errors.New("request from outside the brewery")

// Config says where the adapter logs in and where it stands.
type Config struct {
	XMPP    client.Config
	Brewery jid.JID // a room
	Nick    string  // unique among the bridges of the brewery, and for ever the same

	// Joined is called when a focus can see this bridge, and when none can
	// any more. It must not block.
	Joined func(bool)
}

// Adapter is the bridge's XMPP session.
type Adapter struct {
	cfg     Config
	self    jid.JID // as an occupant
	client  *client.Client
	handler *Handler
	vitals  *Vitals
	log     *slog.Logger

	joins, foreign *metrics.Counter
	joined         atomic.Bool
	occupancy      chan bool // whether the room says that we are in; latest only
}

// NewAdapter returns an adapter that Run brings to life.
func NewAdapter(cfg Config, h *Handler, v *Vitals, log *slog.Logger, set *metrics.Set) (*Adapter, error) {
	self, err := cfg.Brewery.WithResource(cfg.Nick)
	if err != nil || cfg.Nick == "" || cfg.Brewery.Local() == "" {
		return nil, fmt.Errorf("brewery %q as %q: no such occupant (%w)", cfg.Brewery, cfg.Nick, err)
	}
	return &Adapter{
		cfg:       cfg,
		self:      self,
		handler:   h,
		vitals:    v,
		log:       log,
		joins:     set.GetOrCreateCounter("bridge_brewery_joins_total"),
		foreign:   set.GetOrCreateCounter("bridge_foreign_requests_total"),
		occupancy: make(chan bool, 1),
	}, nil
}

func (a *Adapter) setJoined(in bool) {
	if a.joined.Swap(in) != in {
		a.cfg.Joined(in)
	}
}

// Run stands in the brewery until ctx ends, and returns its cause.
func (a *Adapter) Run(ctx context.Context) error {
	a.client = client.New(a.cfg.XMPP, client.Handler{
		Session:  a.session,
		Lost:     func(error) { a.setJoined(false) },
		IQ:       client.InOrder(ctx, a.answer),
		Presence: a.presence,
		Info: disco.Info{
			Identities: []disco.Identity{{Category: "component", Type: "generic", Name: Name}},
			Features: disco.Features(
				disco.NSInfo,
				jitsimeet.NSHealth,
				jingle.NSDTLS,
				jingle.NSICE,
				jitsimeet.NSVersion,
				"urn:xmpp:ping",
			),
		},
	}, a.log)
	return a.client.Run(ctx)
}

// session joins and publishes, and joins again when the room put us out, for
// as long as the login lasts.
func (a *Adapter) session(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.stay(ctx)
		a.setJoined(false)
		if ctx.Err() != nil {
			return
		}
		a.log.WarnContext(ctx, "not in the brewery", "room", a.cfg.Brewery, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(rejoinAfter):
		}
	}
}

var (
	errNoAnswer = errors.New("the room does not answer")
	errOut      = errors.New("the room refused or removed us")
)

func (a *Adapter) stay(ctx context.Context) error {
	select {
	case <-a.occupancy: // of an earlier stay
	default:
	}
	if err := a.publish(muc.Join{}); err != nil {
		return err
	}
	in := false
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	late := time.NewTimer(joinTimeout)
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late.C:
			if !in {
				return errNoAnswer
			}
		case is := <-a.occupancy:
			if !is {
				return errOut
			}
			if !in {
				in = true
				a.joins.Inc()
				a.setJoined(true)
				a.log.InfoContext(ctx, "joined the brewery", "room", a.cfg.Brewery, "jid", a.self)
			}
		case <-a.vitals.news:
			if err := a.publish(); err != nil {
				return err
			}
		case <-tick.C:
			if err := a.publish(); err != nil {
				return err
			}
		}
	}
}

// publish sends our presence; the first of a stay carries the join.
func (a *Adapter) publish(more ...any) error {
	children, err := stanza.Encode(append(more, a.vitals.presence())...)
	if err != nil {
		return err
	}
	return a.client.Send(stanza.Presence{To: a.self, Children: children})
}

// presence notices what the room says of us.
func (a *Adapter) presence(p stanza.Presence) {
	var in bool
	switch {
	case p.Type == stanza.Failed && p.From.Bare() == a.cfg.Brewery:
	case p.From != a.self:
		return
	case p.Type == "":
		in = true
	case p.Type != stanza.Unavailable:
		return
	}
	select {
	case <-a.occupancy:
	default:
	}
	a.occupancy <- in // this goroutine is the only one that sends
}

// answer is the one place where requests are told apart. Errors go back as
// stanza errors.
func (a *Adapter) answer(_ context.Context, q stanza.IQ) (any, error) {
	p := q.Payload()
	if q.From.Bare() != a.cfg.Brewery {
		a.foreign.Inc()
		a.log.Warn("request not answered", "jid", q.From, "err", errNotBrewery)
		return nil, stanza.NewError(stanza.ServiceUnavailable, "")
	}
	switch {
	case p.Is(colibri2.NS, "conference-modify"):
		m := new(colibri2.Modify)
		if err := p.Decode(m); err != nil {
			return nil, stanza.NewError(stanza.BadRequest, err.Error())
		}
		return a.handler.Handle(m)
	case p.Is(jitsimeet.NSHealth, "healthcheck") && q.Type == stanza.Get:
		return nil, nil
	case p.Is(jitsimeet.NSVersion, "query") && q.Type == stanza.Get:
		return jitsimeet.Version{Name: Name, Version: Version, OS: runtime.GOOS}, nil
	}
	return nil, stanza.NewError(stanza.ServiceUnavailable, "Unsupported IQ request "+p.XMLName.Local)
}
