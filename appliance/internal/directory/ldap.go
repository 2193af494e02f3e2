package directory

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// maxGroups bounds what is read of a person's groups.
const maxGroups = 1000

// askLDAP goes the chain to a person's groups, and what they may. Without a
// name it ends at the box's own account; without checking, the password is
// left out.
func askLDAP(ctx context.Context, c *chain, set api.LDAP, secret state.Secret, name, password string, checking bool) (p Person, err error) {
	conn, err := connect(ctx, c, set)
	if err != nil {
		return p, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := c.link("account", func() (string, error) { return bind(conn, set, secret) }); err != nil {
		return p, err
	}
	if name == "" {
		return p, nil
	}
	var found *ldap.Entry
	if err := c.link("person", func() (dn string, err error) {
		if found, err = search(conn, set, name); err != nil {
			return "", err
		}
		return found.DN, nil
	}); err != nil {
		return p, err
	}
	p = Person{
		Name: called(found, name), ID: found.DN, Source: LDAP, Mail: found.GetEqualFoldAttributeValue("mail"),
		Called: cmp.Or(found.GetEqualFoldAttributeValue("displayName"), found.GetEqualFoldAttributeValue("cn")),
	}
	if checking {
		// A search after this would be the person's, who may see less.
		if err := c.link("password", func() (string, error) { return "It is right.", try(conn, found.DN, password) }); err != nil {
			return p, err
		}
		if _, err := bind(conn, set, secret); err != nil {
			return p, err
		}
	}
	err = c.link("groups", func() (string, error) {
		if p.Groups, err = groups(conn, set, found, p.Name); err != nil {
			return "", err
		}
		if len(p.Groups) == 0 {
			return "None.", nil
		}
		return strings.Join(p.Groups, "; "), nil
	})
	if err == nil {
		p.Role, p.Host = api.RoleOf(set.Roles, p.Groups), set.Hosts.Admit(p.Groups)
	}
	return p, err
}

// allowed are the last links: what the person may here.
func allowed(c *chain, hosts api.Hosts, p Person) error {
	err := c.link("role", func() (string, error) {
		switch {
		case p.Role >= api.Viewer:
			return p.Role.String(), nil
		case p.Host:
			return "None in the console.", nil
		}
		return "", wrong("None of these groups has a role here.", "Give one of them a role, or add the person to a group that has one.")
	})
	if err != nil || !hosts.Allowed {
		return err
	}
	return c.link("host", func() (string, error) {
		if p.Host {
			return "Begins meetings, and moderates them.", nil
		}
		return "Begins no meetings: in none of the groups that may.", nil
	})
}

// connect opens an encrypted connection.
func connect(ctx context.Context, c *chain, set api.LDAP) (*ldap.Conn, error) {
	host, port, ok := set.HostPort()
	if !ok {
		return nil, c.link("connect", func() (string, error) {
			return "", &fault{text: "The server's address cannot be read.", advice: "Give it as in ldaps://dc.example.org."}
		})
	}
	pool, err := roots(set.Root)
	if err != nil {
		return nil, c.link("encryption", func() (string, error) { return "", err })
	}
	config := &tls.Config{ServerName: host, RootCAs: pool, MinVersion: tls.VersionTLS12}
	dialer := net.Dialer{Timeout: dialWait}
	var raw net.Conn
	if err := c.link("connect", func() (string, error) {
		raw, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
		if err != nil {
			return "", err
		}
		return raw.RemoteAddr().String(), nil
	}); err != nil {
		return nil, err
	}
	var conn *ldap.Conn
	err = c.link("encryption", func() (string, error) {
		if strings.HasPrefix(set.URL, "ldap://") {
			conn = ldap.NewConn(raw, false)
			conn.Start()
			conn.SetTimeout(askWait)
			checked, verdict := remembering(config)
			if err := conn.StartTLS(checked); err != nil {
				conn.Close()
				return "", errors.Join(*verdict, startTLS(err))
			}
			return "StartTLS", nil
		}
		shake, cancel := context.WithTimeout(ctx, dialWait)
		defer cancel()
		secure := tls.Client(raw, config)
		if err := secure.HandshakeContext(shake); err != nil {
			raw.Close()
			return "", err
		}
		conn = ldap.NewConn(secure, true)
		conn.Start()
		conn.SetTimeout(askWait)
		return "TLS", nil
	})
	return conn, err
}

// remembering checks certificates as config does, and keeps what was wrong
// with one: the LDAP library passes it on as text only.
func remembering(config *tls.Config) (*tls.Config, *error) {
	var verdict error
	checked := config.Clone()
	checked.InsecureSkipVerify = true // VerifyConnection does it
	checked.VerifyConnection = func(cs tls.ConnectionState) error {
		o := x509.VerifyOptions{DNSName: config.ServerName, Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
		for _, c := range cs.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, verdict = cs.PeerCertificates[0].Verify(o)
		return verdict
	}
	return checked, &verdict
}

// startTLS tells a server that has none from a certificate that is not good.
func startTLS(err error) error {
	if e, ok := errors.AsType[*ldap.Error](err); ok && e.ResultCode < ldap.ErrorNetwork {
		return &fault{text: "The server does not offer StartTLS: " + said(e) + ".", advice: "Set it up there, or use ldaps://. Passwords never travel without encryption."}
	}
	if e, ok := errors.AsType[*ldap.Error](err); ok && e.Err != nil {
		return e.Err
	}
	return err
}

// bind signs the box in.
func bind(conn *ldap.Conn, set api.LDAP, secret state.Secret) (string, error) {
	if set.BindDN == "" {
		if err := conn.UnauthenticatedBind(""); err != nil {
			return "", refusal("The server lets nobody search without an account", err, "Give the name and the password of an account that may search.")
		}
		return "Without an account.", nil
	}
	if secret == "" {
		return "", &fault{text: "There is no password for the box's account.", advice: "Give it, or leave the account empty."}
	}
	if err := conn.Bind(set.BindDN, string(secret)); err != nil {
		return "", refusal("The server refuses the box's account", err, "Look at its distinguished name and its password.")
	}
	return set.BindDN, nil
}

func search(conn *ldap.Conn, set api.LDAP, name string) (*ldap.Entry, error) {
	filter := strings.NewReplacer("{name}", ldap.EscapeFilter(name)).Replace(cmp.Or(set.Filter, api.DefaultFilter))
	got, err := conn.Search(&ldap.SearchRequest{
		BaseDN: set.Base, Scope: ldap.ScopeWholeSubtree, DerefAliases: ldap.NeverDerefAliases,
		SizeLimit: 2, TimeLimit: int(askWait.Seconds()), Filter: filter,
		Attributes: []string{"uid", "sAMAccountName", "memberOf", "displayName", "cn", "mail"},
	})
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return nil, wrong("Several people are called so.", "Make the filter more precise.")
	}
	if err != nil {
		return nil, refusal("The search failed", err, "Look at the base and at the filter.")
	}
	switch len(got.Entries) {
	case 0:
		return nil, wrong("Nobody is called so below "+set.Base+".", "Look for a typing mistake, at the base and at the filter; the box's account has to be able to see people.")
	case 1:
		return got.Entries[0], nil
	}
	return nil, wrong("Several people are called so.", "Make the filter more precise.")
}

// called is the person's name in one spelling, whichever way it was typed.
func called(e *ldap.Entry, typed string) string {
	return cmp.Or(e.GetEqualFoldAttributeValue("sAMAccountName"), e.GetEqualFoldAttributeValue("uid"), typed)
}

// try signs the person in. An empty password would be a question without one,
// which servers say yes to.
func try(conn *ldap.Conn, dn, password string) error {
	if password == "" {
		return wrong("There is no password.", "")
	}
	err := conn.Bind(dn, password)
	if e, ok := errors.AsType[*ldap.Error](err); ok && e.ResultCode == ldap.LDAPResultInvalidCredentials {
		return wrong("The server does not take this password: "+activeDirectory(e.Error())+".", "")
	}
	if e, ok := errors.AsType[*ldap.Error](err); ok && e.ResultCode < ldap.ErrorNetwork {
		return wrong("The server lets this person not sign in: "+said(e)+".", "")
	}
	return err
}

// activeDirectory is what the numbers in Active Directory's refusals mean.
func activeDirectory(text string) string {
	for code, words := range map[string]string{
		"data 525": "nobody is called so", "data 52e": "it is wrong", "data 530": "not at this time of day", "data 531": "not from this machine",
		"data 532": "it has expired", "data 533": "the account is disabled", "data 701": "the account has expired",
		"data 773": "it has to be changed first", "data 775": "the account is locked",
	} {
		if strings.Contains(text, code) {
			return words
		}
	}
	return "it is wrong"
}

func groups(conn *ldap.Conn, set api.LDAP, person *ldap.Entry, name string) ([]string, error) {
	if set.GroupBase == "" {
		all := person.GetEqualFoldAttributeValues("memberOf")
		slices.Sort(all)
		return all[:min(len(all), maxGroups)], nil
	}
	filter := strings.NewReplacer("{dn}", ldap.EscapeFilter(person.DN), "{name}", ldap.EscapeFilter(name)).Replace(cmp.Or(set.GroupFilter, api.DefaultGroupFilter))
	got, err := conn.Search(&ldap.SearchRequest{
		BaseDN: set.GroupBase, Scope: ldap.ScopeWholeSubtree, DerefAliases: ldap.NeverDerefAliases,
		SizeLimit: maxGroups, TimeLimit: int(askWait.Seconds()), Filter: filter, Attributes: []string{"cn"},
	})
	if err != nil {
		return nil, refusal("The search for groups failed", err, "Look at the base and at the filter of groups.")
	}
	var out []string
	for _, e := range got.Entries {
		out = append(out, e.DN)
	}
	slices.Sort(out)
	return out, nil
}

// refusal says in words what the server said in numbers.
func refusal(what string, err error, advice string) error {
	e, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return err
	}
	if e.ResultCode == ldap.ErrorNetwork && e.Err != nil {
		if ne, ok := errors.AsType[net.Error](e.Err); ok && ne.Timeout() || strings.Contains(e.Err.Error(), "timed out") {
			return &fault{text: what + ": it does not answer in time.", advice: "Try again; if it stays so, ask who looks after the server.", err: err}
		}
	}
	return &fault{text: what + ": " + said(e) + ".", advice: advice, err: err}
}

func said(e *ldap.Error) string {
	switch e.ResultCode {
	case ldap.LDAPResultInvalidCredentials:
		return "name or password is wrong"
	case ldap.LDAPResultNoSuchObject:
		return "the base does not exist there"
	case ldap.LDAPResultInsufficientAccessRights:
		return "it may not do this"
	case ldap.LDAPResultInvalidDNSyntax:
		return "a distinguished name is misspelt"
	case ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultOperationsError, ldap.LDAPResultStrongAuthRequired:
		return "an account is needed"
	case ldap.ErrorFilterCompile:
		return "the filter cannot be read"
	}
	if text, ok := ldap.LDAPResultCodeMap[e.ResultCode]; ok {
		return fmt.Sprintf("%q", text)
	}
	return e.Error()
}
