// Package meetings asks the services who is in a meeting now, for everything
// that would disturb people, and for the overview.
package meetings

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/ctl"
)

// askWait is how long a service may take.
const askWait = 2 * time.Second

// hidden is how the rooms of the box's calls to itself begin.
const hidden = "selfcall-"

// Now are the meetings with people in them. An error means that nobody knows.
func Now(ctx context.Context, control func(service string) string) (out api.Meetings, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	b, err := ctl.Fetch(ctx, control("focus"), "/conferences")
	if err != nil {
		return out, fmt.Errorf("meetings: %w", err)
	}
	var all []conference
	if err := json.Unmarshal(b, &all); err != nil {
		return out, fmt.Errorf("meetings: %w", err)
	}
	for _, c := range all {
		room, domain, _ := strings.Cut(c.Room, "@")
		if c.Participants == 0 || strings.HasPrefix(room, hidden) {
			continue
		}
		out.Meetings = append(out.Meetings, api.Meeting{
			ID: c.Meeting, Room: room, Breakout: strings.HasPrefix(domain, "breakout."), People: c.Participants, Since: c.Since, Bridge: c.Bridge,
		})
		out.People += c.Participants
	}
	return out, nil
}

// Order has the focus do something in the meeting of that id: path is below the
// conference's, as in "end". ErrOver means that it has just ended, or whom it
// is about has left.
func Order(ctx context.Context, control func(service string) string, id, path string) error {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	b, err := ctl.Fetch(ctx, control("focus"), "/conferences")
	if err != nil {
		return fmt.Errorf("meetings: %w", err)
	}
	var all []conference
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("meetings: %w", err)
	}
	i := slices.IndexFunc(all, func(c conference) bool { return c.Meeting == id })
	if i < 0 {
		return ErrOver
	}
	status, err := ctl.Post(ctx, control("focus"), "/conferences/"+url.PathEscape(all[i].Room)+"/"+path)
	switch {
	case err != nil:
		return fmt.Errorf("meetings: %w", err)
	case status == http.StatusNotFound:
		return ErrOver
	case status >= http.StatusBadRequest:
		return fmt.Errorf("meetings: the focus answered %d", status)
	}
	return nil
}

// ErrOver means that the meeting, or whom it is about, is not there any more.
var ErrOver = errors.New("the meeting has ended, or the person has left")

// conference is what the focus says of one.
type conference struct {
	Room         string    `json:"room"`
	Meeting      string    `json:"meeting"`
	Participants int       `json:"participants"`
	Bridge       string    `json:"bridge"`
	Since        time.Time `json:"since"`
}

// Metrics are the numbers on a service's control socket, by name with labels.
func Metrics(ctx context.Context, control func(service string) string, service string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	b, err := ctl.Fetch(ctx, control(service), "/metrics")
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return parse(b), nil
}

// parse reads Prometheus' text format, as far as our services write it.
func parse(text []byte) map[string]float64 {
	out := map[string]float64{}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := s.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			out[line[:i]] = v
		}
	}
	return out
}
