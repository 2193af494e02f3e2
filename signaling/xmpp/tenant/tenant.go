// Package tenant is how one box holds meetings of the same name apart: a room
// below /TENANT/ is another one than the room of that name without it.
//
// Clients write the address of such a room as Jitsi's do, ROOM@muc.TENANT.DOMAIN;
// services know one address of rooms, where it is [TENANT]ROOM@muc.DOMAIN
// (mod_muc_domain_mapper of Jitsi Meet's prosody plugins). A View changes one
// into the other. The package starts nothing and keeps nothing.
package tenant

import (
	"bytes"
	"fmt"
	"strings"
)

// maxName is as long as the part of a room's name may be that is the tenant's,
// in bytes: some forty letters of any script, written with percent signs.
const maxName = 255

// Check tells what is wrong with a tenant's name as it is in addresses: lower
// case, with everything else escaped by percent signs.
func Check(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("tenant: a name has 1 to %d characters", maxName)
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return fmt.Errorf("tenant: %q cannot be in a name", name[i])
		}
	}
	return nil
}

// nameByte tells whether a tenant's name may have c: no dot, which would end
// its part of the domain, and no bracket.
func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_%~", c) >= 0
}

// Split takes the local part of a room's address, as services know it, apart;
// the tenant is empty where the room has none.
func Split(local string) (tenant, room string) {
	if local == "" || local[0] != '[' {
		return "", local
	}
	name, rest, ok := strings.Cut(local[1:], "]")
	if !ok || name == "" || rest == "" {
		return "", local
	}
	return name, rest
}

// Path is a room as people name it, by the local part of its address: what
// stands after the box's name in the address of the meeting.
func Path(local string) string {
	if name, room := Split(local); name != "" {
		return name + "/" + room
	}
	return local
}

// Same tells whether two names of rooms or of tenants, each escaped as in
// addresses or as people write it, are the same.
func Same(a, b string) bool { return escaped(a) == escaped(b) }

// escaped is a name as clients write it into addresses.
func escaped(name string) string {
	name = strings.ToLower(name)
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c > ' ' && c < 0x7f && strings.IndexByte(`"#&'+,:;<=>?@[\]^{|}`+"`$", c) < 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// View is what addresses of rooms look like below one tenant; nil is that
// without one, where they stay as they are. It is never changed, and safe for
// concurrent use.
type View struct {
	inner  []byte // the domain of rooms
	outer  []byte // as clients write it
	prefix []byte // of the local part
	json   *View  // as the same stands in JSON of ours; nil: no other
}

// NewView returns the view of a tenant on rooms of that domain.
func NewView(name, domain string) *View {
	first, rest, _ := strings.Cut(domain, ".")
	v := &View{inner: []byte(domain), outer: []byte(first + "." + name + "." + rest), prefix: []byte("[" + name + "]")}
	if strings.Contains(name, "%") { // see wire.JSON of signaling
		v.json = NewView(strings.ReplaceAll(name, "%", `\u0025`), domain)
	}
	return v
}

// Of returns the view that an address of a client needs, or nil.
func Of(address, domain string) *View {
	_, host, _ := strings.Cut(address, "@")
	host, _, _ = strings.Cut(host, "/")
	first, rest, _ := strings.Cut(domain, ".")
	name, ok := strings.CutPrefix(host, first+".")
	if ok {
		name, ok = strings.CutSuffix(name, "."+rest)
	}
	if !ok || Check(name) != nil {
		return nil
	}
	return NewView(name, domain)
}

// Inward is what a client has written, as services understand it: all
// addresses of its tenant's rooms, wherever they stand in it. The bytes stay as
// they are, and are returned, when there are none.
func (v *View) Inward(b []byte) []byte {
	if v == nil {
		return b
	}
	return replace(b, v.outer, v.inner, nil, v.prefix)
}

// Outward is what a client is sent, as it understands it.
func (v *View) Outward(b []byte) []byte {
	if v == nil {
		return b
	}
	return v.json.Outward(replace(b, v.inner, v.outer, v.prefix, nil))
}

// replace writes one domain for another, and one prefix of the local parts that
// are before it. An address without that prefix stays.
func replace(b, domain, other, prefix, otherPrefix []byte) []byte {
	var out []byte
	done := 0 // of b, is in out
	for at := 0; ; {
		i := bytes.Index(b[at:], domain)
		if i < 0 {
			break
		}
		begin, end := at+i, at+i+len(domain)
		at = end
		room := bytes.HasSuffix(b[:begin], []byte("@"))
		if continues(b[end:]) || !room && endsLocal(b[:begin]) {
			continue
		}
		local := begin // where the local part begins
		if room {
			local = begin - 1 - localLength(b[done:begin-1])
			if local == begin-1 || !bytes.HasPrefix(b[local:begin-1], prefix) || local+len(prefix) == begin-1 {
				continue
			}
		}
		out = append(out, b[done:local]...)
		if local < begin {
			out = append(append(out, otherPrefix...), b[local+len(prefix):begin]...)
		}
		out = append(out, other...)
		done = end
	}
	if out == nil {
		return b
	}
	return append(out, b[done:]...)
}

// continues tells whether a domain that ends before b goes on there, or was a
// local part. A dot may be that of a sentence.
func continues(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("."))
	return len(b) > 0 && (localByte(b[0]) || b[0] == '@')
}

// localByte tells whether a local part may have c (RFC 7622 §3.3.1). A domain
// has none of the others either.
func localByte(c byte) bool { return c > ' ' && strings.IndexByte(`"&'/:<>@`, c) < 0 }

// localLength is how many bytes at the end of b can be a local part.
func localLength(b []byte) int {
	n := 0
	for endsLocal(b[:len(b)-n]) {
		n++
	}
	return n
}

// endsLocal tells whether b may end within a local part. A semicolon can be in
// one, but not that of an entity.
func endsLocal(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	c := b[len(b)-1]
	return localByte(c) && (c != ';' || !entity(b[:len(b)-1]))
}

// entity tells whether b ends with an entity that lacks its semicolon.
func entity(b []byte) bool {
	for i := len(b) - 1; i >= 0 && len(b)-i <= 10; i-- {
		c := b[i]
		if c == '&' {
			return i < len(b)-1
		}
		if c != '#' && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return false
}
