package policy

import (
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// maxTenant bounds a tenant's name as it is within addresses, in bytes.
const maxTenant = 255

// Tenant returns the name, as it is within XMPP addresses, of a part of a path:
// as Jitsi's clients write rooms, normalized (NFKC), in lower case and escaped;
// with "_" for each dot, as Jitsi's config.js has it. ok is false for what no
// tenant can be called.
func Tenant(part string) (name string, ok bool) {
	text, err := url.PathUnescape(part)
	text = strings.ToLower(norm.NFKC.String(text))
	if err != nil || text == "" || strings.ContainsAny(text, `/\:?#[]@!$&'()*+,;=<>"`) {
		return "", false
	}
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '~':
			b.WriteByte(c)
		case c == '.':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String(), b.Len() <= maxTenant
}
