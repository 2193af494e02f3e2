// Package upload keeps files that people send each other: a slot is asked for
// over XMPP, the bytes come and go over HTTP below [Path] (XEP-0363). Jitsi
// Meet sends them in another way, with a token in place of a slot: see Pass.
//
// A file's name on the disk is its id, a UUID that the server has made, or
// Jitsi Meet; what the sender calls it is only shown. Whoever knows the address
// may read the file, and nobody can guess it. A file has a size that was agreed
// before, all files together have one too, and each is deleted after a time.
// Browsers are told to store a file, never to run it.
//
// A Box is safe for concurrent use. Run deletes what is too old.
package upload

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Path is where the files are, seen from a browser.
const Path = "/upload/"

const (
	slotLife = 5 * time.Minute
	maxSlots = 1000
	maxName  = 255
	look     = 10 * time.Minute // between two looks for what is too old
)

// What may be wrong with a request.
var (
	ErrOff      = errors.New("no files are shared here")
	ErrTooLarge = errors.New("the file is too large")
	ErrFull     = errors.New("there is no room for more files")
	ErrName     = errors.New("a file needs a name, of up to 255 bytes")
	ErrID       = errors.New("a file's id is a new UUID")
)

// errSize is a body that has not the bytes that were announced.
var errSize = errors.New("the file has not as many bytes as were announced")

// Rules are the administrator's. Bytes 0: no files.
type Rules struct {
	Bytes, Quota int64
	Life         time.Duration
}

// File is one that is there, or will be.
type File struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Type  string    `json:"type,omitempty"`
	Size  int64     `json:"size"`
	Until time.Time `json:"until"`
	Owner string    `json:"owner,omitempty"` // JID of who may delete it over HTTP
}

// Box is all files.
type Box struct {
	log *slog.Logger
	dir *os.Root // nil: there is no folder, and no file
	key []byte   // of the tokens

	mu    sync.Mutex
	rules Rules
	files map[string]File
	slots map[string]File // Until is when the slot ends
	under map[string]bool // ids of those whose bytes are coming in
	total int64           // of all three
}

var idForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// Open finds the files in a folder; an empty folder means that there are none.
func Open(folder string, log *slog.Logger) (*Box, error) {
	b := &Box{log: log, key: make([]byte, 32), files: map[string]File{}, slots: map[string]File{}, under: map[string]bool{}}
	rand.Read(b.key) // never fails
	if folder == "" {
		return b, nil
	}
	folder = filepath.Join(folder, "files")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	b.dir = root
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("files: %w", err), root.Close())
	}
	for _, e := range entries {
		b.find(e.Name())
	}
	return b, nil
}

// find takes in what a former process has left; what is incomplete goes.
func (b *Box) find(name string) {
	id, ok := strings.CutSuffix(name, ".json")
	if !ok {
		if _, err := b.dir.Stat(name + ".json"); err != nil {
			b.remove(name)
		}
		return
	}
	var f File
	text, err := b.dir.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	info, serr := b.dir.Stat(id)
	if err != nil || serr != nil || f.ID != id || !idForm.MatchString(id) || info.Size() != f.Size {
		b.remove(id)
		b.remove(name)
		return
	}
	b.files[id] = f
	b.total += f.Size
}

func (b *Box) remove(name string) {
	if err := b.dir.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		b.log.Error("file not removed", "err", err)
	}
}

// SetRules takes over new rules; files that are there keep their time.
func (b *Box) SetRules(r Rules) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = r
}

// Rules are those in force.
func (b *Box) Rules() Rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == nil {
		return Rules{}
	}
	return b.rules
}

// Reserve makes a slot. The id must be new, and impossible to guess.
func (b *Box) Reserve(id, name, kind string, size int64, now time.Time) error {
	return b.reserve(File{ID: id, Name: name, Type: kind, Size: size}, now)
}

func (b *Box) reserve(f File, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(now)
	if m, _, err := mime.ParseMediaType(f.Type); err != nil || len(m) > maxName {
		f.Type = ""
	} else {
		f.Type = m
	}
	_, sent := b.files[f.ID]
	_, asked := b.slots[f.ID]
	switch {
	case b.dir == nil || b.rules.Bytes == 0:
		return ErrOff
	case sent || asked || b.under[f.ID] || !idForm.MatchString(f.ID):
		return ErrID
	case Shown(f.Name) == "" || len(f.Name) > maxName:
		return ErrName
	case f.Size <= 0 || f.Size > b.rules.Bytes:
		return ErrTooLarge
	case len(b.slots) >= maxSlots || b.total+f.Size > b.rules.Quota:
		return ErrFull
	}
	f.Until = now.Add(slotLife)
	b.slots[f.ID] = f
	b.total += f.Size
	return nil
}

// Shown is how a file is called on people's screens: without characters that
// nobody sees, and those that have others read backwards, so that a program could
// pass for a picture.
func Shown(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name)
}

// Name is how a file is called in its address: what every browser and proxy
// passes on.
func Name(name string) string {
	out := []byte(name)
	for i, c := range out {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0) {
			out[i] = '_'
		}
	}
	return string(out)
}

// Run deletes what is too old, until ctx ends.
func (b *Box) Run(ctx context.Context) error {
	t := time.NewTicker(look)
	defer t.Stop()
	for {
		b.mu.Lock()
		b.expire(time.Now())
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		}
	}
}

func (b *Box) expire(now time.Time) {
	for id, f := range b.slots {
		if now.After(f.Until) {
			delete(b.slots, id)
			b.total -= f.Size
		}
	}
	for id, f := range b.files {
		if now.After(f.Until) {
			delete(b.files, id)
			b.total -= f.Size
			b.remove(id + ".json")
			b.remove(id)
		}
	}
}

// List are the files that are there, and the bytes of them and of what is on
// its way.
func (b *Box) List() (files []File, used int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(time.Now())
	files = slices.SortedFunc(maps.Values(b.files), func(x, y File) int {
		return cmp.Or(y.Until.Compare(x.Until), cmp.Compare(x.ID, y.ID))
	})
	for i := range files {
		files[i].Name = Shown(files[i].Name)
	}
	return files, b.total
}

// Delete removes a file before its time, or all of them for the id "". It
// tells whether there was one.
func (b *Box) Delete(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := false
	for other, f := range b.files {
		if id == "" || id == other {
			found = true
			delete(b.files, other)
			b.total -= f.Size
			b.remove(other + ".json")
			b.remove(other)
		}
	}
	return found
}

// Pages are for the control socket, by ServeMux pattern.
func (b *Box) Pages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /files": func(w http.ResponseWriter, _ *http.Request) {
			files, used := b.List()
			w.Header().Set("Content-Type", "application/json")
			err := json.NewEncoder(w).Encode(struct {
				Files []File `json:"files"`
				Used  int64  `json:"used"`
				Quota int64  `json:"quota"`
			}{files, used, b.Rules().Quota})
			if err != nil {
				b.log.Debug("page not delivered", "err", err)
			}
		},
		"POST /files/delete": func(http.ResponseWriter, *http.Request) { b.Delete("") },
		"POST /files/{id}/delete": func(w http.ResponseWriter, r *http.Request) {
			if !b.Delete(r.PathValue("id")) {
				http.NotFound(w, r)
			}
		},
	}
}

// Close lets the folder go.
func (b *Box) Close() error {
	if b.dir == nil {
		return nil
	}
	return b.dir.Close()
}

// ServeHTTP takes and gives files. Which pages may use the answers is the
// front's affair.
func (b *Box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, sessionsPath); ok {
		b.serveSession(w, r, rest)
		return
	}
	id, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), "/")
	if !ok || !idForm.MatchString(id) || strings.Contains(name, "/") {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	switch r.Method {
	case http.MethodPut:
		b.put(w, r, id, name)
	case http.MethodGet, http.MethodHead:
		b.get(w, r, id, name)
	default:
		http.Error(w, "only GET and PUT", http.StatusMethodNotAllowed)
	}
}

func (b *Box) get(w http.ResponseWriter, r *http.Request, id, name string) {
	b.mu.Lock()
	f, ok := b.files[id]
	b.mu.Unlock()
	if !ok || name != Name(f.Name) || time.Now().After(f.Until) {
		http.NotFound(w, r)
		return
	}
	file, err := b.dir.Open(id)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if harmless(f.Type) {
		h.Set("Content-Type", f.Type)
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": Shown(f.Name)}))
	h.Set("Cache-Control", "private, max-age=3600")
	http.ServeContent(w, r, "", time.Time{}, file)
}

// harmless types are told as they are; a page or a picture with a script in it
// is only bytes.
func harmless(kind string) bool {
	major, minor, _ := strings.Cut(kind, "/")
	switch major {
	case "audio", "video":
		return true
	case "image":
		return !strings.Contains(minor, "xml")
	}
	return kind == "application/pdf" || kind == "text/plain" || kind == "application/zip"
}

func (b *Box) put(w http.ResponseWriter, r *http.Request, id, name string) {
	b.mu.Lock()
	f, ok := b.slots[id]
	ok = ok && name == Name(f.Name) && time.Now().Before(f.Until)
	b.mu.Unlock()
	switch {
	case !ok:
		http.Error(w, "This address is not for sending, or not any more.", http.StatusForbidden)
	case r.ContentLength != f.Size:
		http.Error(w, "The file has "+strconv.FormatInt(r.ContentLength, 10)+" bytes; "+strconv.FormatInt(f.Size, 10)+" were announced.", http.StatusRequestEntityTooLarge)
	default:
		b.fill(w, id, r.Body)
	}
}

// fill keeps what comes into a slot, which is good for one try.
func (b *Box) fill(w http.ResponseWriter, id string, body io.Reader) {
	b.mu.Lock()
	f, ok := b.slots[id]
	if ok {
		delete(b.slots, id)
		b.under[id] = true
	}
	life := b.rules.Life
	b.mu.Unlock()
	if !ok {
		http.Error(w, "This file is being sent already.", http.StatusConflict)
		return
	}
	f.Until = time.Now().Add(life)
	err := b.keep(f, body)
	b.mu.Lock()
	delete(b.under, id)
	if err == nil {
		b.files[id] = f
	} else {
		b.total -= f.Size
	}
	b.mu.Unlock()
	switch {
	case err == nil:
		w.WriteHeader(http.StatusCreated)
	case errors.Is(err, errSize):
		http.Error(w, "The file has not as many bytes as were announced.", http.StatusBadRequest)
	default:
		b.log.Error("file not kept", "err", err)
		http.Error(w, "The file could not be kept.", http.StatusInternalServerError)
	}
}

// keep writes a file; its description comes last, and is what makes it count.
func (b *Box) keep(f File, body io.Reader) (err error) {
	defer func() {
		if err != nil {
			b.remove(f.ID)
		}
	}()
	out, err := b.dir.OpenFile(f.ID, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(body, f.Size+1))
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if n != f.Size {
		return errSize
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return b.dir.WriteFile(f.ID+".json", text, 0o600)
}
