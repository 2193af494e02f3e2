package api

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Directory is where people are known who have no account of the box: an LDAP
// server (Active Directory too), a provider of OpenID Connect, or both. They
// sign in to the console with what they have there, and where [Hosts] says so
// to meetings. Accounts of the box go first and work without either.
//
// The passwords with which the box itself asks are not here: see
// [DirectorySecrets].
type Directory struct {
	LDAP LDAP `json:"ldap,omitzero"`
	OIDC OIDC `json:"oidc,omitzero"`
}

// LDAP is a directory server (RFC 4511). Without a URL it is not in use.
type LDAP struct {
	URL  string `json:"url,omitempty"`  // ldaps://HOST[:PORT], or ldap://HOST[:PORT], which goes on with StartTLS
	Root string `json:"root,omitempty"` // PEM: who vouches for the server; empty: the box's usual roots
	// BindDN is the account with which the box searches; empty: without one.
	BindDN string `json:"bind_dn,omitempty"`
	Base   string `json:"base,omitempty"` // DN below which people are
	// Filter finds a person (RFC 4515); {name} is what was typed, escaped.
	// Empty: [DefaultFilter].
	Filter string `json:"filter,omitempty"`
	// GroupBase is the DN below which groups are that name their members;
	// empty: groups are what stands in a person's memberOf.
	GroupBase string `json:"group_base,omitempty"`
	// GroupFilter finds a person's groups; {dn} and {name} are the person's,
	// escaped. Empty: [DefaultGroupFilter].
	GroupFilter string      `json:"group_filter,omitempty"`
	Roles       []GroupRole `json:"roles,omitempty"` // in the console
	Hosts       Hosts       `json:"hosts,omitzero"`
}

// Hosts are who of a directory may begin meetings, and moderates them, where
// the rules for rooms want somebody who has logged in.
type Hosts struct {
	Allowed bool `json:"allowed,omitempty"`
	// Groups are names or DNs; who is in one of them may. Empty: everybody who
	// is found.
	Groups []string `json:"groups,omitempty"`
}

// Admit tells whether somebody in these groups may.
func (h Hosts) Admit(groups []string) bool {
	return h.Allowed && (len(h.Groups) == 0 || slices.ContainsFunc(h.Groups, func(g string) bool { return member(g, groups) }))
}

// The usual filters: what OpenLDAP, 389 and Active Directory call a person.
const (
	DefaultFilter      = "(|(uid={name})(sAMAccountName={name})(userPrincipalName={name})(mail={name}))"
	DefaultGroupFilter = "(|(member={dn})(uniqueMember={dn})(memberUid={name}))"
)

// OIDC is a provider of OpenID Connect on the site's network. Without an
// issuer it is not in use.
type OIDC struct {
	Issuer   string `json:"issuer,omitempty"` // https URL, as the provider itself spells it
	Root     string `json:"root,omitempty"`   // PEM: who vouches for it; empty: the box's usual roots
	ClientID string `json:"client_id,omitempty"`
	Label    string `json:"label,omitempty"` // on the button; empty: the issuer's host
	// Name is the claim with a person's name; empty: preferred_username.
	Name string `json:"name_claim,omitempty"`
	// Groups is the claim with a person's groups, a dot leading into a part as
	// in realm_access.roles; empty: groups.
	Groups string      `json:"groups_claim,omitempty"`
	Scopes []string    `json:"scopes,omitempty"` // beside openid and profile
	Roles  []GroupRole `json:"roles,omitempty"`
}

// GroupRole gives the members of a group a role. Who is in several has the
// highest; who is in none cannot sign in.
type GroupRole struct {
	// Group is its name, or its whole DN. "*" is everybody.
	Group string `json:"group"`
	Role  Role   `json:"role"`
}

// RoleOf is the highest role of somebody in these groups, [Nobody] when there
// is none. Case does not count, as in LDAP.
func RoleOf(roles []GroupRole, groups []string) Role {
	best := Nobody
	for _, r := range roles {
		if r.Role <= best {
			continue
		}
		if r.Group == "*" || member(r.Group, groups) {
			best = r.Role
		}
	}
	return best
}

// member tells whether a group, by its name or DN, is among these.
func member(group string, groups []string) bool {
	return slices.ContainsFunc(groups, func(g string) bool {
		return strings.EqualFold(g, group) || strings.EqualFold(firstValue(g), group)
	})
}

// firstValue is "admins" of "cn=admins,ou=groups,dc=example,dc=org".
func firstValue(dn string) string {
	first, _, _ := strings.Cut(dn, ",")
	_, value, found := strings.Cut(first, "=")
	if !found {
		return ""
	}
	return strings.TrimSpace(value)
}

// HostPort is the host of the server's URL and its port; ok is false when
// there is none.
func (l LDAP) HostPort() (host string, port uint16, ok bool) {
	usual := uint16(EgressLDAP.UsualPort())
	if strings.HasPrefix(l.URL, "ldap://") {
		usual = 389
	}
	return hostPort(l.URL, usual)
}

// HostPort is the same for the provider.
func (o OIDC) HostPort() (host string, port uint16, ok bool) { return hostPort(o.Issuer, 443) }

func hostPort(text string, usual uint16) (string, uint16, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return "", 0, false
	}
	if u.Port() == "" {
		return u.Hostname(), usual, true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Hostname(), uint16(n), err == nil && n > 0
}

// Validate says what is wrong with which field.
func (d Directory) Validate() error {
	f := FieldErrors{}
	f.Join("ldap", d.LDAP.Validate())
	f.Join("oidc", d.OIDC.Validate())
	return f.Err()
}

// Validate says what is wrong with which field.
func (l LDAP) Validate() error {
	f := FieldErrors{}
	checkPEM(f, "root", l.Root)
	checkRoles(f, l.Roles)
	f.Join("hosts", l.Hosts.Validate())
	checkFilter(f, "filter", l.Filter, "{name}")
	checkFilter(f, "group_filter", l.GroupFilter, "{dn}", "{name}")
	for name, text := range map[string]string{"bind_dn": l.BindDN, "base": l.Base, "group_base": l.GroupBase} {
		if text != "" && (!strings.Contains(text, "=") && !(name == "bind_dn" && strings.ContainsAny(text, `@\`)) || len(text) > 500) {
			f.Add(name, "Give a distinguished name, such as ou=people,dc=example,dc=org.")
		}
	}
	if l.URL == "" {
		if l.Hosts.Allowed {
			f.Add("url", "Give the server's address, or switch off that its people host meetings.")
		}
		return f.Err()
	}
	u, err := url.Parse(l.URL)
	if err != nil || u.Scheme != "ldaps" && u.Scheme != "ldap" || u.User != nil || strings.Trim(u.Path, "/") != "" || !goodHost(u.Hostname()) {
		f.Add("url", "Give ldaps:// and the server's name, such as ldaps://dc.example.org. With ldap:// the box asks for StartTLS.")
	} else if _, _, ok := l.HostPort(); !ok {
		f.Add("url", "The port has to be a number from 1 to 65535.")
	}
	if l.Base == "" {
		f.Add("base", "Give the distinguished name below which people are, such as ou=people,dc=example,dc=org.")
	}
	if len(l.Roles) == 0 && !l.Hosts.Allowed {
		f.Add("roles", "Name at least one group and its role, or nobody can sign in.")
	}
	return f.Err()
}

// Validate says what is wrong with which field.
func (h Hosts) Validate() error {
	f := FieldErrors{}
	if len(h.Groups) > 50 {
		f.Add("groups", "Give at most 50 groups.")
	}
	for i, g := range h.Groups {
		if g == "*" {
			f.Add(fmt.Sprintf("groups.%d", i), "Name no group at all when everybody may.")
		} else if strings.TrimSpace(g) == "" || len(g) > 500 {
			f.Add(fmt.Sprintf("groups.%d", i), "Give the group's name, or its distinguished name.")
		}
	}
	return f.Err()
}

// Validate says what is wrong with which field.
func (o OIDC) Validate() error {
	f := FieldErrors{}
	checkPEM(f, "root", o.Root)
	checkRoles(f, o.Roles)
	if len(o.Label) > 60 {
		f.Add("label", "Take at most 60 characters.")
	}
	for _, s := range o.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\"\\") || len(s) > 100 {
			f.Add("scopes", "A scope is a word, such as groups or email.")
		}
	}
	if o.Issuer == "" {
		return f.Err()
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !goodHost(u.Hostname()) {
		f.Add("issuer", "Give the provider's address, beginning with https://, such as https://login.example.org/realms/office.")
	} else if _, _, ok := o.HostPort(); !ok {
		f.Add("issuer", "The port has to be a number from 1 to 65535.")
	}
	if o.ClientID == "" || len(o.ClientID) > 200 {
		f.Add("client_id", "Give the name under which the provider knows this box.")
	}
	if len(o.Roles) == 0 {
		f.Add("roles", "Name at least one group and its role, or nobody can sign in.")
	}
	return f.Err()
}

func goodHost(h string) bool {
	_, err := netip.ParseAddr(h)
	return err == nil || HostName(h)
}

func checkPEM(f FieldErrors, field, text string) {
	if r := strings.TrimSpace(text); r != "" && !strings.HasPrefix(r, "-----BEGIN CERTIFICATE-----") {
		f.Add(field, "This has to be a certificate in PEM, beginning with -----BEGIN CERTIFICATE-----.")
	}
}

func checkRoles(f FieldErrors, roles []GroupRole) {
	if len(roles) > 50 {
		f.Add("roles", "Give at most 50 groups.")
	}
	for i, r := range roles {
		if strings.TrimSpace(r.Group) == "" || len(r.Group) > 500 {
			f.Add(fmt.Sprintf("roles.%d.group", i), "Give the group's name, its distinguished name, or * for everybody.")
		}
		if r.Role < Viewer || r.Role > Owner {
			f.Add(fmt.Sprintf("roles.%d.role", i), "Choose viewer, auditor, operator, admin or owner.")
		}
	}
}

// checkFilter looks at the outline; the server has the last word.
func checkFilter(f FieldErrors, field, text string, one ...string) {
	if text == "" {
		return
	}
	depth, good := 0, strings.HasPrefix(text, "(") && len(text) <= 1000
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		good = good && depth >= 0 && (depth > 0 || i == len(text)-1)
	}
	named := false
	for _, n := range one {
		named = named || strings.Contains(text, n)
	}
	switch {
	case !good || depth != 0:
		f.Add(field, "The brackets of this filter do not match.")
	case !named:
		f.Add(field, "The filter has to have "+strings.Join(one, " or ")+" in it.")
	}
}

// DirectorySecrets are what the box proves itself with; what is left out
// stays, "" forgets.
type DirectorySecrets struct {
	LDAPPassword *string `json:"ldap_password,omitempty"` // of BindDN
	OIDCSecret   *string `json:"oidc_secret,omitempty"`   // of ClientID; none is needed where the provider takes PKCE alone
}

// Validate says what is wrong with which field.
func (s DirectorySecrets) Validate() error {
	f := FieldErrors{}
	for name, text := range map[string]*string{"ldap_password": s.LDAPPassword, "oidc_secret": s.OIDCSecret} {
		if text != nil && (len(*text) > 1000 || strings.ContainsRune(*text, 0)) {
			f.Add(name, "Take at most 1000 characters.")
		}
	}
	return f.Err()
}

// DirectoryState is the answer to GET /api/v1/directory.
type DirectoryState struct {
	LDAPPassword bool     `json:"ldap_password"` // one is kept
	OIDCSecret   bool     `json:"oidc_secret"`
	Redirects    []string `json:"redirects"` // to be registered at the provider of OpenID Connect
}

// DirectoryTest asks whether settings would work, before they are kept. What
// is not sent of the secrets is what the box has.
type DirectoryTest struct {
	Directory Directory        `json:"directory"`
	Secrets   DirectorySecrets `json:"secrets,omitzero"`
	OIDC      bool             `json:"oidc,omitzero"` // try the provider, not the LDAP server
	// Name and Password are a person's, to see what role they would get; with
	// only a name the password is not tried, without either nobody is looked
	// for.
	Name     string `json:"name,omitempty"`
	Password string `json:"password,omitempty"`
}

// Validate says what is wrong with which field.
func (t DirectoryTest) Validate() error {
	f := FieldErrors{}
	f.Join("directory", t.Directory.Validate())
	f.Join("secrets", t.Secrets.Validate())
	if !t.OIDC && t.Directory.LDAP.URL == "" {
		f.Add("directory.ldap.url", "Give the server's address.")
	}
	if t.OIDC && t.Directory.OIDC.Issuer == "" {
		f.Add("directory.oidc.issuer", "Give the provider's address.")
	}
	return f.Err()
}

// DirectoryFound is what a test found, link by link.
type DirectoryFound struct {
	Checks []Check  `json:"checks"`
	Broken string   `json:"broken"` // the first broken link; "" when there is none
	Person string   `json:"person,omitempty"`
	Groups []string `json:"groups"`
	Role   Role     `json:"role"` // that the person would have in the console
	Host   bool     `json:"host"` // the person could begin meetings
}

// OIDCBegin is where the browser has to go.
type OIDCBegin struct {
	URL string `json:"url"`
}

// OIDCAnswer is what the provider sent the browser back with.
type OIDCAnswer struct {
	State string `json:"state"`
	Code  string `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}
