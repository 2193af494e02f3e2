package conference

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"meetbox.local/focus/internal/offer"
	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
)

// snapshot is what a later process must know to go on with a conference. What
// the room tells anyway (roles, who is there) is not in it.
type snapshot struct {
	Room       jid.JID               `json:"room"`
	Meeting    string                `json:"meeting"`
	Since      time.Time             `json:"since,omitzero"`
	Bridge     *bridge               `json:"bridge,omitempty"`
	StartAudio int                   `json:"start_audio,omitempty"`
	StartVideo int                   `json:"start_video,omitempty"`
	Policy     jitsimeet.StartMuted  `json:"policy"`
	Own        roomRules             `json:"own,omitzero"`
	Moderation map[string]*moderated `json:"moderation,omitempty"`
	Seq        int                   `json:"seq"`
	Members    []savedMember         `json:"members"`
}

type savedMember struct {
	Nick        string             `json:"nick"`
	JID         jid.JID            `json:"jid"`
	Affiliation muc.Affiliation    `json:"affiliation,omitempty"`
	Role        muc.Role           `json:"role,omitempty"`
	Order       int                `json:"order"`
	Ver         string             `json:"ver,omitempty"`
	Features    *offer.Features    `json:"features,omitempty"`
	StatsID     string             `json:"stats_id,omitempty"`
	Region      string             `json:"region,omitempty"`
	Forced      colibri2.ForceMute `json:"forced,omitzero"`
	Session     *savedSession      `json:"session,omitempty"`
	Moving      *savedSession      `json:"moving,omitempty"`
	Done        bool               `json:"done,omitempty"`
	Ended       []string           `json:"ended,omitempty"`
	Restarts    []time.Time        `json:"restarts,omitempty"`
	ICERestarts []time.Time        `json:"ice_restarts,omitempty"`
	Sources     sources.Set        `json:"sources"`
}

type savedSession struct {
	SID    string `json:"sid"`
	Bridge string `json:"bridge"`
	Phase  phase  `json:"phase"`

	Generation int `json:"generation,omitempty"`
}

func saved(s *session) *savedSession {
	if s == nil {
		return nil
	}
	return &savedSession{SID: s.sid, Bridge: s.bridge, Phase: s.phase, Generation: s.generation}
}

func (s *savedSession) session() *session {
	if s == nil {
		return nil
	}
	return &session{sid: s.SID, bridge: s.Bridge, phase: s.Phase, unsure: s.Phase != active, generation: s.Generation}
}

const suffix = ".json"

// file is the snapshot's name: rooms may be called anything.
func (c *Conference) file() string {
	h := sha256.Sum256([]byte(c.room.String()))
	return hex.EncodeToString(h[:16]) + suffix
}

// save replaces the snapshot. It is for a killed process, not for a power
// cut, after which no client would be left: nothing is synced to the disk.
func (c *Conference) save() error {
	s := snapshot{
		Room: c.room, Meeting: c.meeting, Since: c.since, Bridge: c.bridge, Seq: c.seq, Policy: c.policy, Own: c.own, Moderation: c.moderation,
		StartAudio: c.startMuted.audio, StartVideo: c.startMuted.video,
	}
	for _, m := range c.sorted() {
		s.Members = append(s.Members, savedMember{
			Nick: m.nick, JID: m.jid, Affiliation: m.affiliation, Role: m.role, Order: m.order, Ver: m.ver, Features: m.features,
			StatsID: m.statsID, Region: m.region, Forced: m.forced, Session: saved(m.session), Moving: saved(m.moving), Done: m.done,
			Ended: m.ended, Restarts: m.restarts, ICERestarts: m.iceRestarts, Sources: c.sources.Of(m.nick),
		})
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tmp := c.file() + "." + rand.Text()[:8] + ".tmp"
	if err := c.f.dir.WriteFile(tmp, b, 0o600); err != nil {
		return errors.Join(err, c.f.dir.Remove(tmp))
	}
	return c.f.dir.Rename(tmp, c.file())
}

// load reads the conferences of an earlier process. One that cannot be read
// is dropped: its clients get new sessions when somebody asks for the room.
func (f *Focus) load() ([]*Conference, error) {
	list, err := fs.ReadDir(f.dir.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	var out []*Conference
	for _, e := range list {
		c, err := f.read(e.Name())
		if err != nil {
			f.log.Warn("snapshot dropped", "err", err)
			if err := f.dir.Remove(e.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
				f.log.Warn("snapshot not removed", "err", err)
			}
			continue
		}
		f.log.Info("conference goes on", "room", c.room.String(), "participants", len(c.members))
		out = append(out, c)
	}
	return out, nil
}

func (f *Focus) read(name string) (*Conference, error) {
	if !strings.HasSuffix(name, suffix) {
		return nil, fmt.Errorf("snapshot %s: left by a write that did not end", name)
	}
	b, err := f.dir.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var s snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", name, err)
	}
	self, err := s.Room.WithResource(Nick)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", name, err)
	}
	c := newConference(f, s.Room, self)
	c.restored, c.hadMembers = true, len(s.Members) > 0
	c.meeting, c.bridge, c.seq, c.policy, c.moderation = s.Meeting, s.Bridge, s.Seq, s.Policy, s.Moderation
	c.startMuted.audio, c.startMuted.video = s.StartAudio, s.StartVideo
	c.own = s.Own
	if !s.Since.IsZero() {
		c.since = s.Since
	}
	for _, v := range s.Members {
		c.members[v.Nick] = &member{
			nick: v.Nick, jid: v.JID, affiliation: v.Affiliation, role: v.Role, order: v.Order, ver: v.Ver, features: v.Features,
			statsID: v.StatsID, region: v.Region, forced: v.Forced, session: v.Session.session(), moving: v.Moving.session(),
			done: v.Done, ended: v.Ended, restarts: v.Restarts, iceRestarts: v.ICERestarts,
		}
		c.sources.Restore(v.Nick, v.Sources)
	}
	// What was to be told was told, or nearly: a change is sent right after
	// its snapshot is written.
	for _, m := range c.members {
		if m.session == nil || m.features == nil || m.features.Rewriting {
			continue
		}
		m.session.known = make(map[string]sources.Set)
		for owner, set := range c.sources.All(m.nick) {
			m.session.known[owner] = set.Stripped()
		}
	}
	if c.bridge != nil {
		f.bridges.Expect(c.bridge.JID)
	}
	return c, nil
}
