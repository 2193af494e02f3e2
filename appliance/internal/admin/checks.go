package admin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/checks"
	"meetbox.local/appliance/internal/state"
)

const (
	// checkLife is how long what /check was given is good for.
	checkLife = 10 * time.Minute
	// maxReport bounds a report.
	maxReport = 32 << 10
)

func checkRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/checks", api.Viewer, "What people's /check found, the newest first.", func(*Call) (out api.ReceivedChecks, err error) {
			if p.Checks != nil {
				out.Reports = p.Checks.List()
			}
			return out, nil
		}),
		send(http.MethodDelete, "/api/v1/checks", api.Operator, "Removes all reports.", func(c *Call, _ None) (None, error) { return p.removeCheck(c, "") }),
		send(http.MethodDelete, "/api/v1/checks/{id}", api.Operator, "Removes a report.", func(c *Call, _ None) (None, error) { return p.removeCheck(c, c.PathValue("id")) }),
	}
}

func (p *Parts) removeCheck(c *Call, id string) (None, error) {
	c.Audited()
	if p.Checks == nil {
		return None{}, state.ErrNone
	}
	found, err := p.Checks.Remove(id)
	if err != nil {
		return None{}, err
	}
	if !found && id != "" {
		return None{}, state.ErrNone
	}
	return None{}, p.Store.Audit(c.Who, "check reports removed", id, "")
}

// peerOf is the address of who asks by way of web.
func peerOf(r *http.Request) netip.Addr {
	a, err := netip.ParseAddr(r.Header.Get("X-Forwarded-For"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// publicCheck tells the page /check what it needs for its probes.
func (p *Parts) publicCheck(w http.ResponseWriter, r *http.Request) {
	now := p.now()
	s := p.Source.Status()
	out := api.CheckBox{Now: now.UTC(), Names: s.Names, You: peerOf(r).String(), STUN: s.MediaPort, Room: "selfcall-check-" + strings.ToLower(rand.Text())}
	token, err := p.Store.TokenSecret()
	if err == nil {
		out.Token, err = p.sign(token, out.Room, map[string]any{"name": "Check"}, now, now.Add(checkLife))
	}
	secret, terr := p.Store.TURNSecret()
	if err = errors.Join(err, terr); err != nil {
		p.publicFailure(w, r, "check", err)
		return
	}
	out.TURN = turnCredentials(string(secret), p.Ports.HTTPS, now.Add(checkLife))
	w.Header().Set("Cache-Control", "no-store")
	p.json(w, http.StatusOK, out)
}

// turnCredentials are those of the TURN REST scheme, as signaling's.
func turnCredentials(secret string, port int, until time.Time) api.CheckTURN {
	user := strconv.FormatInt(until.Unix(), 10) + ":check-" + rand.Text()[:8]
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(user))
	return api.CheckTURN{Port: port, Username: user, Credential: base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}

// publicReport takes in what a page /check found.
func (p *Parts) publicReport(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if p.Checks == nil {
		writeProblem(w, api.Problem{Status: http.StatusServiceUnavailable, Code: "off", Detail: "This box cannot keep reports now."})
		return
	}
	q, ok := public[api.CheckReport](w, r, maxReport)
	if !ok {
		return
	}
	id, err := p.Checks.Add(peerOf(r), q)
	switch {
	case errors.Is(err, checks.ErrTooOften):
		w.Header().Set("Retry-After", "600")
		writeProblem(w, api.Problem{Status: http.StatusTooManyRequests, Code: "slow-down", Detail: "Enough reports have come from your address for now. Try again in an hour, or tell the administrator the code."})
		return
	case err != nil:
		p.Log.ErrorContext(r.Context(), "report not kept", "err", err)
		writeProblem(w, explain(err))
		return
	}
	p.json(w, http.StatusOK, api.CheckSent{ID: id})
}
