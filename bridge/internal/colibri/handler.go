package colibri

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/bridge/internal/conference"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/stanza"
)

// sctpPort is the only one offered, and the only one anybody asks for.
const sctpPort = 5000

// Handler answers Colibri2 requests by changing the bridge's conferences.
type Handler struct {
	bridge  *conference.Bridge
	id      string
	domains atomic.Pointer[[]string]
	log     *slog.Logger
	count   func(result string) *metrics.Counter
	leaving func() bool
}

// NewHandler returns a handler for the bridge with this id, which is part of
// the colibri-ws URLs.
func NewHandler(bridge *conference.Bridge, id string, log *slog.Logger, set *metrics.Set) *Handler {
	h := &Handler{bridge: bridge, id: id, log: log, leaving: func() bool { return false }, count: func(result string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf("bridge_colibri_requests_total{result=%q}", result))
	}}
	h.SetWebSocketDomains(nil)
	return h
}

// SetWebSocketDomains changes where endpoints created from now on are told to
// open their colibri-ws: "meetbox.local", "localhost:8443". Safe for
// concurrent use.
func (h *Handler) SetWebSocketDomains(domains []string) { h.domains.Store(&domains) }

// RefuseNew makes the handler refuse new conferences while leaving says so.
// To be called before the first request.
func (h *Handler) RefuseNew(leaving func() bool) { h.leaving = leaving }

// Handle does what the request says. Errors leave what was done before them,
// and are *stanza.Error.
func (h *Handler) Handle(m *colibri2.Modify) (*colibri2.Modified, error) {
	out, err := h.handle(m)
	if err == nil {
		h.count("ok").Inc()
		return out, nil
	}
	e, ok := errors.AsType[*stanza.Error](err)
	if !ok {
		e = stanza.NewError(stanza.InternalServerError, err.Error())
	}
	h.count(string(e.Condition)).Inc()
	h.log.Warn("request refused", "room", m.Name, "meeting", m.MeetingID, "err", err)
	return nil, e
}

func (h *Handler) handle(m *colibri2.Modify) (*colibri2.Modified, error) {
	if strings.TrimSpace(m.MeetingID) == "" {
		return nil, stanza.NewError(stanza.BadRequest, "no meeting-id")
	}
	if err := validate(m); err != nil {
		return nil, err
	}
	conf, err := h.find(m)
	if err != nil {
		return nil, err
	}
	out := new(colibri2.Modified)
	creates := m.Create
	lenient := ignoresUnknown(m)
	for _, e := range m.Endpoints {
		answer, err := h.endpoint(conf, e, lenient)
		if err != nil {
			return nil, err
		}
		out.Endpoints = append(out.Endpoints, answer)
		creates = creates || e.Create && !e.Expire
	}
	// Connects (recorders, transcribers) are not served. Refusing them would
	// fail the allocation that they come with.
	if creates {
		out.Sources = feedbackSources(conf)
	}
	if m.Expire || !m.Create && conf.Endpoints() == 0 {
		conf.Expire()
	}
	return out, nil
}

// validate refuses what a bridge cannot do in one request, before anything is
// done.
func validate(m *colibri2.Modify) error {
	if len(m.Relays) > 0 {
		return failure(stanza.FeatureNotImplemented, colibri2.NotImplemented, "relays are not supported")
	}
	for _, e := range m.Endpoints {
		if e.ID == "" {
			return stanza.NewError(stanza.BadRequest, "endpoint without id")
		}
		if len(m.Endpoints) > 1 && changesMuch(e) {
			return failure(stanza.FeatureNotImplemented, colibri2.NotImplemented, "one endpoint at a time")
		}
	}
	return nil
}

func changesMuch(e colibri2.Endpoint) bool {
	return e.Create || len(e.Media) > 0 || e.Transport != nil || e.Sources != nil
}

// ignoresUnknown: a batch that only mutes or expires is fine for endpoints
// that have just left.
func ignoresUnknown(m *colibri2.Modify) bool {
	return !slices.ContainsFunc(m.Endpoints, changesMuch)
}

func (h *Handler) find(m *colibri2.Modify) (*conference.Conference, error) {
	if !m.Create {
		if c := h.bridge.Conference(m.MeetingID); c != nil {
			return c, nil
		}
		return nil, failure(stanza.ItemNotFound, colibri2.ConferenceNotFound, "no such conference")
	}
	if h.leaving() && h.bridge.Conference(m.MeetingID) == nil {
		return nil, failure(stanza.ServiceUnavailable, colibri2.GracefulShutdown, "no new conferences any more")
	}
	c, err := h.bridge.Create(m.MeetingID, m.Name.String())
	if errors.Is(err, conference.ErrConferenceExists) {
		return nil, failure(stanza.Conflict, colibri2.ConferenceAlreadyExists, "the conference exists")
	}
	return c, err
}

func (h *Handler) endpoint(conf *conference.Conference, e colibri2.Endpoint, lenient bool) (colibri2.Endpoint, error) {
	answer := colibri2.Endpoint{ID: e.ID}
	if e.Expire {
		conf.ExpireEndpoint(e.ID)
		answer.Expire = true
		return answer, nil
	}
	var ep *conference.Endpoint
	if e.Create {
		var err error
		if ep, err = h.create(conf, e); err != nil {
			return answer, err
		}
	} else if ep = conf.Endpoint(e.ID); ep == nil {
		if lenient {
			return answer, nil
		}
		return answer, unknownEndpoint(e.ID)
	}
	if len(e.Media) > 0 {
		ep.SetMedia(media(e.Media))
	}
	if e.InitialLastN != nil {
		ep.SetInitialLastN(e.InitialLastN.Value)
	}
	if e.Transport != nil && e.Transport.ICE != nil {
		h.setRemote(ep, e.Transport.ICE)
	}
	if err := h.setSources(ep, e); err != nil {
		return answer, err
	}
	if e.ForceMute != nil {
		ep.SetForceMute(e.ForceMute.Audio, e.ForceMute.Video)
	}
	switch {
	case e.Create:
		answer.Transport = h.describe(conf, ep, ep.Transport().Local(), e.Transport.SCTP != nil)
	case e.Transport != nil && e.Transport.ICERestart:
		// Refused by leaving the transport out: the focus then invites the
		// client anew. An error would cost everybody in the meeting theirs.
		d, err := ep.Transport().Restart()
		if err != nil {
			h.log.Info("ICE not restarted", "endpoint", e.ID, "err", err)
			break
		}
		answer.Transport = h.describe(conf, ep, d, false)
	}
	return answer, nil
}

// create checks all of the request before it makes the endpoint, so that a
// refused one leaves nothing behind.
func (h *Handler) create(conf *conference.Conference, e colibri2.Endpoint) (*conference.Endpoint, error) {
	t := e.Transport
	switch {
	case conf.Endpoint(e.ID) != nil:
		return nil, stanza.NewError(stanza.Conflict, "the endpoint exists")
	case t == nil:
		return nil, stanza.NewError(stanza.BadRequest, "new endpoint without transport")
	case !e.Has(colibri2.SourceNames):
		return nil, stanza.NewError(stanza.BadRequest, "source names are mandatory")
	case t.SCTP != nil && t.SCTP.Role != "" && t.SCTP.Role != "server":
		return nil, failure(stanza.FeatureNotImplemented, colibri2.NotImplemented, "the bridge is the SCTP server")
	case t.SCTP != nil && t.SCTP.Port != 0 && t.SCTP.Port != sctpPort:
		return nil, stanza.NewError(stanza.BadRequest, "the SCTP port is 5000")
	case isVisitor(e) && e.Sources != nil && len(e.Sources.Sources) > 0:
		return nil, stanza.NewError(stanza.BadRequest, "a visitor has no sources")
	}
	rewriting := e.Has(colibri2.SSRCRewriting)
	reached, _ := netip.ParseAddr(t.Reached) // a wish; what is no address is none
	ep, err := conf.AddEndpoint(conference.EndpointConfig{
		ID:            e.ID,
		StatsID:       e.StatsID,
		Visitor:       isVisitor(e),
		SSRCRewriting: rewriting,
		MIDDemux:      rewriting && e.Has(colibri2.MIDDemux),
		Controlling:   t.ICEControlling,
		SCTP:          t.SCTP != nil,
		Reached:       reached.Unmap(),
	})
	switch {
	case errors.Is(err, conference.ErrEndpointExists):
		return nil, stanza.NewError(stanza.Conflict, "the endpoint exists")
	case errors.Is(err, conference.ErrExpired):
		return nil, failure(stanza.ItemNotFound, colibri2.ConferenceNotFound, "the conference has just ended")
	case err != nil:
		return nil, fmt.Errorf("new endpoint %s: %w", e.ID, err)
	}
	return ep, nil
}

func isVisitor(e colibri2.Endpoint) bool { return e.MUCRole == "visitor" }

func (h *Handler) setSources(ep *conference.Endpoint, e colibri2.Endpoint) error {
	if e.Sources == nil {
		return nil
	}
	err := ep.SetSources(videoSources(e.Sources.Sources), audioSources(e.Sources.Sources))
	if errors.Is(err, conference.ErrVisitorSources) && !e.Create {
		// Said too late to throw anybody out for.
		h.log.Warn("sources of a visitor ignored", "endpoint", e.ID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("sources of %s: %w", e.ID, err)
	}
	return nil
}

func feedbackSources(conf *conference.Conference) *colibri2.Sources {
	audio, video := conf.FeedbackSSRCs()
	source := func(media, name string, ssrc uint32) colibri2.MediaSource {
		return colibri2.MediaSource{Type: media, ID: name, Sources: []jingle.Source{{SSRC: ssrc, Name: name}}}
	}
	return &colibri2.Sources{Sources: []colibri2.MediaSource{source("audio", "jvb-a0", audio), source("video", "jvb-v0", video)}}
}

// failure is a stanza error with a reason of Colibri2.
func failure(c stanza.Condition, reason, text string, more ...any) error {
	e := stanza.NewError(c, text)
	var err error
	if e.Specific, err = stanza.Encode(append([]any{colibri2.Error{Reason: reason}}, more...)...); err != nil {
		return err
	}
	return e
}

func unknownEndpoint(id string) error {
	return failure(stanza.ItemNotFound, colibri2.UnknownEndpoint, "no such endpoint", colibri2.Endpoint{ID: id})
}
