package component

import (
	"bytes"
	"encoding/json"
	"strings"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// Limits of the map, which every joiner is sent whole.
const (
	maxKeys  = 64
	maxKey   = 64
	maxValue = 8 << 10
)

// protected keys say what the server has decided, or what names other servers
// to clients; nobody in the room may write them.
func protected(key string) bool {
	switch key {
	case "allownersEnabled", "asyncTranscription", "audioTranslationRequests", "conferencePresetsServiceEnabled",
		"dialinEnabled", "lobbyEnabled", "moderators", "participants", "participantsSoftLimit", "permissions", "services",
		"transcriberType", "transcription", "visitors", "visitorsEnabled":
		return true
	}
	return false
}

const (
	keyStartMuted = "startMuted"
	keyBoard      = "whiteboard"
)

// setMetadata is a moderator's order to set one key.
func (s *Set) setMetadata(m muc.Member, st *wire.Stanza) *stanza.Error {
	c, ok := st.Find(nsJitmeet, "room_metadata")
	if !ok {
		return errBad
	}
	var order struct {
		Room string `xml:"room,attr"`
		Text string `xml:",chardata"`
	}
	if st.Decode(c, &order) != nil {
		return errBad
	}
	o := s.in(m, order.Room)
	if o == nil {
		return errOutside
	}
	if !o.Moderator() {
		return errNoRight
	}
	var set struct {
		Key  string          `json:"key"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal([]byte(order.Text), &set); err != nil || set.Key == "" || len(set.Key) > maxKey || len(set.Data) > maxValue {
		return errBad
	}
	if protected(set.Key) {
		return stanza.NewError(stanza.NotAllowed, "this is not the room's to say")
	}
	return s.store(o.Room(), set.Key, set.Data)
}

// store changes the map and tells everybody, if that is news.
func (s *Set) store(r *muc.Room, key string, value json.RawMessage) *stanza.Error {
	mt := s.meeting(r)
	old, had := mt.Metadata[key]
	var compact bytes.Buffer
	if len(value) > 0 {
		if json.Compact(&compact, value) != nil {
			return errBad
		}
	}
	switch gone := compact.Len() == 0 || compact.String() == "null"; {
	case gone && !had, !gone && had && bytes.Equal(old, compact.Bytes()):
		return nil
	case gone:
		delete(mt.Metadata, key)
	case !had && len(mt.Metadata) >= maxKeys:
		return stanza.NewError(stanza.ResourceConstraint, "too many keys")
	default:
		if mt.Metadata == nil {
			mt.Metadata = map[string]json.RawMessage{}
		}
		mt.Metadata[key] = compact.Bytes()
	}
	if out := s.metadata(r); out != nil {
		r.Broadcast(out)
	}
	return nil
}

// metadata is the push of the whole map.
func (s *Set) metadata(r *muc.Room) *wire.Out {
	all := map[string]json.RawMessage{}
	if mt := s.at[r]; mt != nil && mt.Metadata != nil {
		all = mt.Metadata
	}
	return s.push(kindMetadata, r, struct {
		Type     string                     `json:"type"`
		Metadata map[string]json.RawMessage `json:"metadata"`
	}{kindMetadata, all})
}

// tellMetadata spares joiners an empty map, which says nothing.
func (s *Set) tellMetadata(o *muc.Occupant) {
	if mt := s.at[o.Room()]; mt == nil || len(mt.Metadata) == 0 {
		return
	}
	if out := s.metadata(o.Room()); out != nil {
		o.Send(out)
	}
}

// readStartMuted takes over what a moderator's presence says: the way in
// which clients gave this order before there was a map, and still do.
func (s *Set) readStartMuted(o *muc.Occupant) {
	if !o.Moderator() || !o.Guest() || !o.Says(jitsimeet.NSStartMuted) {
		return
	}
	children, decls := o.Words()
	var p struct {
		StartMuted *jitsimeet.StartMuted `xml:"http://jitsi.org/jitmeet/start-muted startmuted"`
	}
	if decode(children, decls, &p) != nil || p.StartMuted == nil {
		return
	}
	mt := s.meeting(o.Room())
	if !p.StartMuted.Audio && !p.StartMuted.Video && mt.Metadata[keyStartMuted] == nil {
		return // as it is anyway
	}
	b, err := json.Marshal(map[string]bool{"audio": p.StartMuted.Audio, "video": p.StartMuted.Video})
	if err == nil && !strings.EqualFold(string(mt.Metadata[keyStartMuted]), string(b)) {
		s.store(o.Room(), keyStartMuted, b)
	}
}

// Boards are the rooms in which a moderator has opened a whiteboard with this
// id, as Jitsi Meet does: {"collabDetails": {"roomId": ID, "roomKey": …}, …}.
func (s *Set) Boards(id string) (out []*muc.Room) {
	for r, mt := range s.at {
		value := mt.Metadata[keyBoard]
		if id == "" || value == nil {
			continue
		}
		var b struct {
			Details struct {
				ID string `json:"roomId"`
			} `json:"collabDetails"`
		}
		if json.Unmarshal(value, &b) == nil && b.Details.ID == id {
			out = append(out, r)
		}
	}
	return out
}
