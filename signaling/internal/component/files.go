package component

import (
	"encoding/json"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/upload"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/stanza"
)

// Limits of what is known of a meeting's files: each is told to everybody who
// joins.
const (
	maxFiles  = 256
	maxFileID = 128
	maxName   = 255 // bytes of a file's name, and of its type
)

// file is what is told of one: where its bytes are is not the room's affair.
// Who has shared it is who has sent it.
type file struct {
	ID        string `json:"fileId"`
	Name      string `json:"fileName"`
	Size      int64  `json:"fileSize"`
	Type      string `json:"fileType"`
	Timestamp int64  `json:"timestamp"`

	AuthorID   string `json:"authorParticipantId"`
	AuthorJID  string `json:"authorParticipantJid"`
	AuthorName string `json:"authorParticipantName,omitempty"`
	Meeting    string `json:"conferenceFullName"`
}

// share takes news of a file from somebody in the meeting: that it is there,
// or that it is gone, which only its author and moderators may say.
func (s *Set) share(m muc.Member, st *wire.Stanza) *stanza.Error {
	c, ok := st.Find(nsJitmeet, kindFiles)
	if !ok {
		return errBad
	}
	var order struct {
		Type string `xml:"type,attr"`
		ID   string `xml:"fileId,attr"`
		Text string `xml:",chardata"`
	}
	if st.Decode(c, &order) != nil {
		return errBad
	}
	o := s.here(m)
	if o == nil {
		return errOutside
	}
	switch order.Type {
	case "add":
		return s.addFile(o, order.Text)
	case "remove":
		return s.removeFile(o, order.ID)
	}
	return errBad
}

func (s *Set) addFile(o *muc.Occupant, text string) *stanza.Error {
	var f file
	if json.Unmarshal([]byte(text), &f) != nil {
		return errBad
	}
	f.Name, f.Type = upload.Shown(f.Name), upload.Shown(f.Type)
	if f.ID == "" || len(f.ID) > maxFileID || f.Name == "" || len(f.Name) > maxName || len(f.Type) > maxName || f.Size < 0 {
		return errBad
	}
	room := o.Room().Addr().String()
	f.AuthorID, f.AuthorJID, f.AuthorName, f.Meeting = o.Nick(), o.Real().String(), o.Name(), room
	mt := s.meeting(o.Room())
	if old := mt.Files[f.ID]; old != nil && old.AuthorJID != f.AuthorJID {
		return stanza.NewError(stanza.Conflict, "another's file has this id")
	} else if old == nil && len(mt.Files) >= maxFiles {
		return stanza.NewError(stanza.ResourceConstraint, "too many files")
	}
	if mt.Files == nil {
		mt.Files = map[string]*file{}
	}
	mt.Files[f.ID] = &f
	s.env.Event("file shared", "room", room, "endpoint", o.Nick(), "bytes", f.Size)
	s.tellOthers(o, struct {
		Type  string `json:"type"`
		Event string `json:"event"`
		File  *file  `json:"file"`
	}{kindFiles, "add", &f})
	return nil
}

func (s *Set) removeFile(o *muc.Occupant, id string) *stanza.Error {
	mt := s.meeting(o.Room())
	f := mt.Files[id]
	switch {
	case f == nil:
		return stanza.NewError(stanza.ItemNotFound, "no such file")
	case f.AuthorJID != o.Real().String() && !o.Moderator():
		return errNoRight
	}
	delete(mt.Files, id)
	s.env.Discard(id)
	s.tellOthers(o, struct {
		Type  string `json:"type"`
		Event string `json:"event"`
		ID    string `json:"fileId"`
	}{kindFiles, "remove", id})
	return nil
}

// tellOthers spares the author, whose client knows.
func (s *Set) tellOthers(author *muc.Occupant, v any) {
	out := s.push(kindFiles, author.Room(), v)
	if out == nil {
		return
	}
	for o := range author.Room().Occupants() {
		if o.Guest() && o != author {
			o.Send(out)
		}
	}
}

func (s *Set) tellFiles(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil || len(mt.Files) == 0 || !o.Guest() {
		return
	}
	out := s.push(kindFiles, o.Room(), struct {
		Type  string           `json:"type"`
		Event string           `json:"event"`
		Files map[string]*file `json:"files"`
	}{kindFiles, "list", mt.Files})
	if out != nil {
		o.Send(out)
	}
}
