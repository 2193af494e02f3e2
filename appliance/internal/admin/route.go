package admin

import (
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// maxBody bounds a JSON body. The largest are sections of the settings and
// certificates.
const maxBody = 256 << 10

// Route is one thing that can be asked of the box. The mux, the OpenAPI
// document and the console's TypeScript are made from the list of them.
type Route struct {
	Method, Path string
	Role         api.Role // who may; Nobody: without signing in
	Doc          string   // one sentence
	Request      reflect.Type
	Answer       reflect.Type
	Upload       string // content type of a body that is not JSON
	Download     string // content type of an answer that is not JSON
	// Person: a token will not do, a person must be signed in.
	Person bool
	limit  int64
	handle func(*Call) (any, error)
}

// None is a request or answer without a body.
type None struct{}

// Call is one request under way.
type Call struct {
	*http.Request
	Who     state.Actor // signed in; the zero value where nobody is
	Session string      // its id; "" with a token

	header  http.Header // of the answer
	audited bool
}

// Peer is the client's address, or the zero value for a program on the box.
func (c *Call) Peer() netip.Addr { return c.Who.From }

// Query is a parameter of the URL.
func (c *Call) Query(name string) string { return c.URL.Query().Get(name) }

// Number is a parameter of the URL that is a number; 0 when it is not there.
func (c *Call) Number(name string) (uint64, error) {
	text := c.Query(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, problem(http.StatusBadRequest, "invalid", "The parameter "+name+" has to be a number.")
	}
	return n, nil
}

// SetETag says which revision the answer is of.
func (c *Call) SetETag(revision uint64) {
	c.header.Set("ETag", `"`+strconv.FormatUint(revision, 10)+`"`)
}

// IfMatch is the revision that the caller has seen. Without one the request
// is refused, so that nobody overwrites what he never read; "*" is whatever
// there is.
func (c *Call) IfMatch() (revision uint64, whatever bool, err error) {
	text := strings.TrimSpace(c.Request.Header.Get("If-Match"))
	switch text {
	case "":
		return 0, false, problem(http.StatusPreconditionRequired, "if-match-missing", "Send If-Match with the ETag of what you changed, or *.")
	case "*":
		return 0, true, nil
	}
	n, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(text, "W/"), `"`), 10, 63)
	if err != nil {
		return 0, false, problem(http.StatusBadRequest, "invalid", "If-Match has to be the ETag of what you changed, or *.")
	}
	return n, false, nil
}

// Audited says that the handler wrote its own line in the audit log. For any
// other request that changes something, and succeeds, one is written.
func (c *Call) Audited() { c.audited = true }

// File is an answer that is not JSON.
type File struct {
	Name string // offered to whoever stores it; "" to show it
	Body io.Reader
}

// get is a route that only looks.
func get[A any](path string, role api.Role, doc string, f func(*Call) (A, error)) Route {
	return Route{
		Method: http.MethodGet, Path: path, Role: role, Doc: doc, Answer: reflect.TypeFor[A](),
		handle: func(c *Call) (any, error) { return f(c) },
	}
}

// send is a route with a JSON body, or with none when Q is [None].
func send[Q, A any](method, path string, role api.Role, doc string, f func(*Call, Q) (A, error)) Route {
	return Route{
		Method: method, Path: path, Role: role, Doc: doc,
		Request: reflect.TypeFor[Q](), Answer: reflect.TypeFor[A](), limit: maxBody,
		handle: func(c *Call) (any, error) {
			q, err := decode[Q](c)
			if err != nil {
				return nil, err
			}
			return f(c, q)
		},
	}
}

// upload is a route whose body is a file of at most limit bytes, read while
// it comes in.
func upload[A any](method, path string, role api.Role, doc string, limit int64, f func(*Call, io.Reader) (A, error)) Route {
	return Route{
		Method: method, Path: path, Role: role, Doc: doc, Answer: reflect.TypeFor[A](),
		Upload: "application/octet-stream", limit: limit,
		handle: func(c *Call) (any, error) { return f(c, c.Body) },
	}
}

// download is a route that answers with a file.
func download(path string, role api.Role, doc, kind string, f func(*Call) (File, error)) Route {
	return Route{
		Method: http.MethodGet, Path: path, Role: role, Doc: doc, Download: kind,
		handle: func(c *Call) (any, error) { return f(c) },
	}
}

// person makes a route one that no token may use.
func person(r Route) Route {
	r.Person = true
	return r
}

// topic is the first word after /api/v1/: what tokens are limited to.
func (r Route) topic() string {
	rest, _ := strings.CutPrefix(r.Path, "/api/v1/")
	word, _, _ := strings.Cut(rest, "/")
	word, _, _ = strings.Cut(word, ".")
	return word
}

func (r Route) changes() bool { return r.Method != http.MethodGet }

// errElsewhere is for what only the box can do.
var errElsewhere = problem(http.StatusNotImplemented, "only-on-the-box", "This copy of Meetbox runs on somebody's computer. Only a box of its own can do this.")

// problem is an error that the caller gets to read as it is.
func problem(status int, code, detail string) error {
	return api.Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}
