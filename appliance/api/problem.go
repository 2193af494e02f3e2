package api

import (
	"maps"
	"slices"
	"strings"
)

// Problem is the answer to a request that was not carried out (RFC 9457,
// application/problem+json).
type Problem struct {
	Title  string      `json:"title"`            // the status in words
	Status int         `json:"status"`           // HTTP's
	Code   string      `json:"code"`             // for programs: "invalid", "conflict", "signed-out", …
	Detail string      `json:"detail"`           // for the person who asked: what is wrong and what to do
	Fields FieldErrors `json:"fields,omitempty"` // what is wrong with which field
	// Conflict says who changed what meanwhile.
	Conflict *Revision `json:"conflict,omitempty"`
}

// Error makes a problem something that any part of the appliance can return.
func (p Problem) Error() string { return p.Detail }

// FieldErrors is what is wrong with a document: one sentence per field, by
// its path of JSON names, as in "links.0.gateway". The empty path is the
// document itself.
type FieldErrors map[string]string

// Add notes what is wrong with a field; the first note on a field stays.
func (f FieldErrors) Add(field, what string) {
	if _, ok := f[field]; !ok {
		f[field] = what
	}
}

// Join notes under a prefix what a part says of itself.
func (f FieldErrors) Join(prefix string, part error) {
	fields, ok := part.(FieldErrors)
	switch {
	case part == nil:
	case !ok:
		f.Add(prefix, part.Error())
	default:
		for name, what := range fields {
			f.Add(strings.Trim(prefix+"."+name, "."), what)
		}
	}
}

// Err is f as an error, or nil when nothing is wrong.
func (f FieldErrors) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Error lists the fields in order.
func (f FieldErrors) Error() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		out = append(out, strings.TrimPrefix(name+": "+f[name], ": "))
	}
	return strings.Join(out, "; ")
}
