package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/accounts"
	"meetbox.local/appliance/internal/state"
)

// Cookie is the session's cookie. Its prefix has browsers refuse it unless it
// is of this very origin, over TLS.
const Cookie = "__Host-meetbox"

// How long a body may take to come in: documents, and files over a slow line.
const (
	bodyWait = 30 * time.Second
	fileWait = time.Hour
)

// serve answers one request of the route.
func (p *Parts) serve(r Route) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		c := &Call{Request: req, header: w.Header()}
		answer, err := p.answer(w, r, c)
		if err != nil {
			p.refuse(w, r, c, err)
			return
		}
		if r.changes() && !c.audited && c.Who.Name != "" {
			if err := p.Store.Audit(c.Who, r.Method+" "+req.URL.Path, "", ""); err != nil {
				p.Log.ErrorContext(req.Context(), "audit log", "err", err)
			}
		}
		p.deliver(w, r, answer)
	}
}

func (p *Parts) answer(w http.ResponseWriter, r Route, c *Call) (any, error) {
	if from := c.Header.Get("X-Forwarded-For"); from != "" {
		a, err := netip.ParseAddr(from)
		if err != nil {
			return nil, fmt.Errorf("address %q of the client: %w", from, err)
		}
		c.Who.From = a.Unmap().WithZone("")
	}
	if err := p.admit(r, c); err != nil {
		return nil, err
	}
	wait := bodyWait
	if r.Upload != "" {
		wait = fileWait
	}
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	c.Body = http.MaxBytesReader(w, c.Body, r.limit)
	return r.handle(c)
}

// admit finds out who asks and whether he may.
func (p *Parts) admit(r Route, c *Call) error {
	secret, token := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	cookie, cerr := c.Request.Cookie(Cookie)
	var who accounts.Identity
	switch {
	case token:
		var err error
		if who, err = p.Accounts.Token(c.Who.From, secret); err != nil {
			return err
		}
		if r.Person {
			return problem(http.StatusForbidden, "person-needed", "Only a person who is signed in can do this, not a program with a token.")
		}
		if !accounts.InScope(who.Scopes, r.topic(), r.changes()) {
			return problem(http.StatusForbidden, "scope", "This token is not for "+r.topic()+".")
		}
	case cerr == nil:
		if r.changes() && c.Header.Get("Sec-Fetch-Site") == "" && c.Header.Get("Origin") == "" {
			// Browsers send at least one of them. What sends the cookie and
			// neither is not the console.
			return problem(http.StatusForbidden, "cross-origin", "The request does not say which page sent it. Programs use a token, not a cookie.")
		}
		var err error
		who, err = p.Accounts.Session(cookie.Value)
		if err != nil && !errors.Is(err, state.ErrNone) {
			return err
		}
	}
	c.Who.Name, c.Who.Role, c.Session = who.Account, who.Role, who.Session
	switch {
	case r.Role == api.Nobody:
		return nil
	case c.Who.Name == "":
		return problem(http.StatusUnauthorized, "signed-out", "Sign in first.")
	case !c.Who.Role.May(r.Role):
		return problem(http.StatusForbidden, "role", "This is for the role "+r.Role.String()+"; yours is "+c.Who.Role.String()+".")
	}
	return nil
}

func (p *Parts) refuse(w http.ResponseWriter, r Route, c *Call, err error) {
	a := explain(err)
	if a.Status == http.StatusInternalServerError {
		p.Log.ErrorContext(c.Context(), "request failed", "route", r.Path, "err", err)
		if c.Who.Name == "" {
			a.Detail = "The box could not do this. Its log says why."
		}
	}
	if s, ok := errors.AsType[*accounts.SlowDown](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(s.Wait.Seconds()+1)))
	}
	writeProblem(w, a)
}

func writeProblem(w http.ResponseWriter, a api.Problem) {
	if a.Title == "" {
		a.Title = http.StatusText(a.Status)
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	w.Header().Del("ETag")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(a.Status)
	if _, err := w.Write(append(b, '\n')); err != nil {
		return // the caller went away
	}
}

func (p *Parts) deliver(w http.ResponseWriter, r Route, answer any) {
	var err error
	switch v := answer.(type) {
	case None:
		w.WriteHeader(http.StatusNoContent)
	case File:
		w.Header().Set("Content-Type", r.Download)
		if v.Name != "" {
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": v.Name}))
		}
		_, err = io.Copy(w, v.Body)
		if c, ok := v.Body.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		err = json.NewEncoder(w).Encode(full(answer))
	}
	if err != nil {
		p.Log.Debug("answer not delivered", "route", r.Path, "err", err)
	}
}

// decode reads the strict JSON body: no field that the type does not have,
// nothing after the document; and has it checked by its own Validate.
func decode[Q any](c *Call) (q Q, err error) {
	if reflect.TypeFor[Q]() == reflect.TypeFor[None]() {
		if n, err := io.Copy(io.Discard, io.LimitReader(c.Body, 16)); err != nil || n > 2 { // "{}" is nothing, too
			return q, problem(http.StatusBadRequest, "invalid", "This request has no body.")
		}
		return q, nil
	}
	if err := decodeInto(c, &q); err != nil {
		return q, err
	}
	if v, ok := any(q).(api.Section); ok {
		return q, v.Validate()
	}
	return q, nil
}

func decodeInto(c *Call, q any) error {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "not-json", "Send the request as application/json.")
	}
	b, err := io.ReadAll(c.Body)
	if err == nil {
		if err = strict(b, q); err == nil {
			return nil
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	a := api.Problem{Status: http.StatusBadRequest, Code: "invalid", Detail: "The request cannot be read: " + strings.TrimPrefix(err.Error(), "json: ")}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
		a.Fields = api.FieldErrors{t.Field: "This has to be a " + t.Type.String() + ", not a " + t.Value + "."}
	}
	if f, ok := errors.AsType[api.FieldErrors](err); ok {
		a.Fields = f
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(name); err == nil {
			a.Fields = api.FieldErrors{name: "There is no such field."}
		}
	}
	return a
}

// explain turns an error into what the caller reads.
func explain(err error) api.Problem {
	make := func(status int, code, detail string) api.Problem {
		return api.Problem{Status: status, Code: code, Detail: detail}
	}
	if p, ok := errors.AsType[api.Problem](err); ok {
		return p
	}
	if f, ok := errors.AsType[api.FieldErrors](err); ok {
		p := make(http.StatusUnprocessableEntity, "invalid", f.Error())
		p.Fields = f
		return p
	}
	if m, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return make(http.StatusRequestEntityTooLarge, "too-large", "The request is larger than "+strconv.FormatInt(m.Limit>>10, 10)+" KiB.")
	}
	if c, ok := errors.AsType[*state.Conflict](err); ok {
		p := make(http.StatusPreconditionFailed, "conflict", c.Error())
		p.Conflict = &c.Last
		return p
	}
	if s, ok := errors.AsType[*accounts.SlowDown](err); ok {
		return make(http.StatusTooManyRequests, "slow-down", s.Error())
	}
	if errors.Is(err, state.ErrNone) {
		return make(http.StatusNotFound, "not-found", "There is no such thing.")
	}
	if errors.Is(err, syscall.ENOSPC) {
		return make(http.StatusInsufficientStorage, "disk-full", "The box's disk is full, so nothing was changed. Remove files or recordings, or see the page on the hardware.")
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" && dial.Net == "unix" {
		return make(http.StatusServiceUnavailable, "service-away", "A part of the box does not answer; it may be restarting. Try again in a moment.")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return make(http.StatusGatewayTimeout, "timeout", "It took too long.")
	}
	return make(http.StatusInternalServerError, "internal", "The box could not do this: "+err.Error())
}

// full is v with empty lists and maps where there are none, so that the
// console never meets null where the types promise a list.
func full(v any) any {
	old := reflect.ValueOf(v)
	out := reflect.New(old.Type()).Elem()
	out.Set(old)
	fill(out)
	return out.Interface()
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fill(f)
			}
		}
	case reflect.Slice:
		if v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		// A copy: the answer may share its list with somebody who reads it now.
		if n := v.Len(); n > 0 && v.Type().Elem().Kind() == reflect.Struct {
			c := reflect.MakeSlice(v.Type(), n, n)
			reflect.Copy(c, v)
			for i := range n {
				fill(c.Index(i))
			}
			v.Set(c)
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	case reflect.Pointer:
		if !v.IsNil() && v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem().NumMethod() == 0 {
			c := reflect.New(v.Type().Elem())
			c.Elem().Set(v.Elem())
			fill(c.Elem())
			v.Set(c)
		}
	default:
	}
}
