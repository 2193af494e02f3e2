// Package assets serves the built pages from memory: every file is hashed and
// compressed once, when it is first asked for, and an answer is one write. A
// box should not compress, before it answers for the first time, what nobody
// may ever fetch.
//
// A file below assets/ has its content's hash in its name and is cached for
// ever; a page is never stored, because a stale page after an update asks
// for files that are gone.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// hashed is the folder whose file names contain their content's hash.
const hashed = "assets/"

// types are the content types of a build. The machine's own table is not
// asked: on a box there is none, and a laptop's may say anything.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".ttf":         "font/ttf",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

// Set is a build, ready to be served. It is immutable.
type Set struct {
	files map[string]*file
}

type file struct {
	kind  string
	cache string
	plain []byte        // nil where the build has the Brotli form alone
	br    []byte        // nil where the build made none
	etag  func() string // made once
	gzip  func() []byte // the same; nil where it would not be smaller
}

// Load reads a whole build. A file NAME.br beside NAME is its Brotli form; a
// large one is there in that form alone.
func Load(fsys fs.FS) (*Set, error) {
	s := &Set{files: map[string]*file{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || path.Ext(name) == ".map" {
			return err
		}
		name, compressed := strings.CutSuffix(name, ".br")
		if s.files[name] != nil { // the walk is in order: the plain form came first
			return nil
		}
		f, err := load(fsys, name, compressed)
		if err != nil {
			return err
		}
		s.files[name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if s.files["index.html"] == nil {
		return nil, errors.New("pages: the build has no index.html")
	}
	return s, nil
}

// load reads a file. Compressed: there is no form of it but NAME.br.
func load(fsys fs.FS, name string, compressed bool) (*file, error) {
	content := name
	if compressed {
		content += ".br"
	}
	b, err := fs.ReadFile(fsys, content)
	if err != nil {
		return nil, err
	}
	f := &file{kind: types[path.Ext(name)], etag: sync.OnceValue(func() string {
		sum := sha256.Sum256(b)
		return `"` + hex.EncodeToString(sum[:12]) + `"`
	})}
	switch {
	case strings.HasPrefix(name, hashed):
		f.cache = "public, max-age=31536000, immutable"
	case path.Ext(name) == ".html":
		f.cache = "no-store"
	default:
		f.cache = "public, max-age=300"
	}
	if f.kind == "" {
		f.kind = "application/octet-stream"
	}
	if compressed {
		f.br = b
		return f, nil
	}
	f.plain = b
	br, err := fs.ReadFile(fsys, name+".br")
	if err == nil {
		f.br = br
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f.gzip = sync.OnceValue(func() []byte { return squeeze(f.kind, f.plain) })
	return f, nil
}

// squeeze returns b compressed, or nil where that does not pay.
func squeeze(kind string, b []byte) []byte {
	t, _, _ := strings.Cut(kind, ";")
	if strings.HasPrefix(t, "image/") && t != "image/svg+xml" || t == "font/woff2" {
		return nil // compressed already
	}
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // the level is one that there is, and a buffer takes all
	}
	if buf.Len() >= len(b) {
		return nil
	}
	return buf.Bytes()
}

// Has reports whether the build has this file; the name has no leading slash.
func (s *Set) Has(name string) bool { return s.files[name] != nil }

// Page reports whether the file is a page, which needs a page's headers.
func (s *Set) Page(name string) bool {
	f := s.files[name]
	return f != nil && strings.HasPrefix(f.kind, "text/html")
}

// Serve writes the named file, or 404.
func (s *Set) Serve(w http.ResponseWriter, r *http.Request, name string) {
	f := s.files[name]
	if f == nil {
		// Not the start page: a browser would take it for the script or the
		// picture that it asked for.
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	accepted := encodings(r.Header.Get("Accept-Encoding"))
	if f.plain == nil && !accepted["br"] {
		http.Error(w, "This file is sent as Brotli only; the request does not accept that.", http.StatusNotAcceptable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	if f.cache != "no-store" {
		h.Set("ETag", f.etag())
		if matches(r.Header.Get("If-None-Match"), f.etag()) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := f.plain
	switch {
	case f.br != nil && accepted["br"]:
		body = f.br
		h.Set("Content-Encoding", "br")
	case accepted["gzip"] && f.gzip() != nil:
		body = f.gzip()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(body); err != nil {
		return // the browser went away
	}
}

// matches compares weakly (RFC 9110 §13.1.2): our forms of one content
// share the tag.
func matches(list, etag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == etag || t == "*" {
			return true
		}
	}
	return false
}

// encodings reads an Accept-Encoding header (RFC 9110 §12.5.3): the codings
// named in it that are not refused with q=0.
func encodings(header string) map[string]bool {
	m := map[string]bool{}
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		q := strings.ReplaceAll(strings.TrimSpace(params), " ", "")
		if strings.HasPrefix(q, "q=0") && strings.Trim(q[len("q=0"):], ".0") == "" {
			continue
		}
		m[strings.ToLower(strings.TrimSpace(coding))] = true
	}
	return m
}
