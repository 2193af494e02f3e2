package upload

import (
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Audience is whom a token is for, as Jitsi Meet asks for it (XEP-0215's
// credentials, signaling contract 7.14).
const Audience = "file-sharing"

// sessionsPath is below what config.js names as fileSharing.apiUrl:
//
//	POST   sessions/MEETING/files       a form with "metadata" (JSON), then "file"
//	GET    sessions/MEETING/files/ID    where its bytes are
//	DELETE sessions/MEETING/files/ID
const sessionsPath = Path + "sessions/"

// maxMetadata bounds the description of a file that is sent.
const maxMetadata = 8 << 10

// Pass is what a token says: who has it, and in which meeting.
type Pass struct {
	Meeting string // the meeting's id in disco#info
	Owner   string // full JID
}

type passClaims struct {
	jwt.RegisteredClaims
	Meeting string `json:"meeting_id"`
}

// Token is good until the time given, and ends with the process.
func (b *Box) Token(p Pass, until time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, passClaims{
		RegisteredClaims: jwt.RegisteredClaims{Subject: p.Owner, Audience: jwt.ClaimStrings{Audience}, ExpiresAt: jwt.NewNumericDate(until)},
		Meeting:          p.Meeting,
	}).SignedString(b.key)
}

// pass is the one that a request carries.
func (b *Box) pass(r *http.Request) (Pass, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Pass{}, false
	}
	var c passClaims
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithAudience(Audience), jwt.WithExpirationRequired()).
		ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return b.key, nil })
	return Pass{c.Meeting, c.Subject}, err == nil
}

// serveSession answers Jitsi Meet.
func (b *Box) serveSession(w http.ResponseWriter, r *http.Request, rest string) {
	meeting, rest, _ := strings.Cut(rest, "/")
	id, one := strings.CutPrefix(rest, "files/")
	if rest != "files" && (!one || !idForm.MatchString(id)) {
		http.NotFound(w, r)
		return
	}
	p, ok := b.pass(r)
	switch {
	case !ok:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "This needs a token, which the meeting gives to who is in it.", http.StatusUnauthorized)
	case p.Meeting != meeting:
		http.Error(w, "The token is for another meeting.", http.StatusForbidden)
	case !one && r.Method == http.MethodPost:
		b.post(w, r, p)
	case one && r.Method == http.MethodGet:
		b.tell(w, r, id)
	case one && r.Method == http.MethodDelete:
		b.take(w, id, p)
	default:
		http.Error(w, "Files are sent with POST, found with GET and deleted with DELETE.", http.StatusMethodNotAllowed)
	}
}

// metadata is of Jitsi Meet's what is needed here; the rest is for the
// meeting's list, which it is sent to over XMPP.
type metadata struct {
	ID   string `json:"fileId"`
	Name string `json:"fileName"`
	Size int64  `json:"fileSize"`
}

func (b *Box) post(w http.ResponseWriter, r *http.Request, p Pass) {
	form, err := r.MultipartReader()
	if err != nil {
		http.Error(w, "A file is sent as a form (multipart/form-data).", http.StatusUnsupportedMediaType)
		return
	}
	about, body, err := parts(form)
	if err != nil {
		http.Error(w, "A form has the part metadata, with fileId, fileName and fileSize in JSON, and after it the part file.", http.StatusBadRequest)
		return
	}
	err = b.reserve(File{ID: about.ID, Name: about.Name, Type: body.Header.Get("Content-Type"), Size: about.Size, Owner: p.Owner}, time.Now())
	if err != nil {
		http.Error(w, "Not kept: "+err.Error()+".", status(err))
		return
	}
	b.fill(w, about.ID, body)
}

func status(err error) int {
	switch {
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrFull):
		return http.StatusInsufficientStorage
	case errors.Is(err, ErrID):
		return http.StatusConflict
	case errors.Is(err, ErrOff):
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// parts reads a form up to the bytes of its file.
func parts(form *multipart.Reader) (about metadata, file *multipart.Part, err error) {
	p, err := form.NextPart()
	if err != nil {
		return about, nil, err
	}
	if p.FormName() != "metadata" {
		return about, nil, errors.New("the description comes first")
	}
	if err := json.NewDecoder(io.LimitReader(p, maxMetadata)).Decode(&about); err != nil {
		return about, nil, err
	}
	if file, err = form.NextPart(); err != nil {
		return about, nil, err
	}
	if file.FormName() != "file" {
		return about, nil, errors.New("there is no file")
	}
	return about, file, nil
}

// tell says where a file is. Clients on other origins' pages need the whole
// address.
func (b *Box) tell(w http.ResponseWriter, r *http.Request, id string) {
	b.mu.Lock()
	f, ok := b.files[id]
	b.mu.Unlock()
	if !ok || time.Now().After(f.Until) {
		http.NotFound(w, r)
		return
	}
	u := url.URL{Scheme: "https", Host: r.Host, Path: Path + f.ID + "/" + Name(f.Name)}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	err := json.NewEncoder(w).Encode(struct {
		Name string `json:"fileName"`
		URL  string `json:"presignedUrl"`
	}{Shown(f.Name), u.String()})
	if err != nil {
		b.log.Debug("answer not delivered", "err", err)
	}
}

// take deletes what its holder has sent. One that is gone is no mistake: Jitsi
// Meet takes it off the meeting's list first, which deletes it, and there
// moderators may do so, too.
func (b *Box) take(w http.ResponseWriter, id string, p Pass) {
	b.mu.Lock()
	f, ok := b.files[id]
	b.mu.Unlock()
	if ok && f.Owner != p.Owner {
		http.Error(w, "Another has sent this file. A moderator takes it off the meeting's list.", http.StatusForbidden)
		return
	}
	b.Delete(id)
	w.WriteHeader(http.StatusNoContent)
}
