// Package slapd runs Debian's OpenLDAP for tests: a directory with some people
// and groups.
package slapd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/kit/porttest"
)

// Server is OpenLDAP on the loopback.
type Server struct {
	Plain, Secure, Bare string // URLs: StartTLS, LDAPS, and one that knows no TLS
	Root                string // PEM
}

// What is in it.
const (
	People   = "ou=people,dc=example,dc=org"
	Reader   = "cn=reader,dc=example,dc=org" // may search
	Secret   = "box & directory"             // its password
	Password = "pässword (of) Ada*"          // of everybody
)

// Called is what people's names are to be read as.
var Called = map[string]string{"ada": "Ada from the quay", "ben": "Ben", "cleo": "Cleo"}

// Authority makes a certificate for localhost, and who vouches for it.
func Authority(t *testing.T, names ...string) (root, crt, key []byte) {
	t.Helper()
	pair, err := certs.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := certs.Load(pair)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(time.Now(), names, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	root, _ = certs.PEM(pair)
	crt, key = certs.PEM(leaf)
	return root, crt, key
}

// New starts one that ends with the test.
func New(t *testing.T) Server {
	t.Helper()
	dir := t.TempDir()
	root, crt, key := Authority(t, "localhost")
	write := func(name string, b []byte) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	// A copy: the distribution's own may be confined to the distribution's folders.
	program, err := os.ReadFile("/usr/sbin/slapd")
	if err != nil {
		t.Fatal(err)
	}
	bin := write("slapd", program)
	if err := errors.Join(os.Chmod(bin, 0o700), os.Mkdir(filepath.Join(dir, "db"), 0o700)); err != nil {
		t.Fatal(err)
	}
	tlsLines := fmt.Sprintf("TLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s\n", write("ca.crt", root), write("crt", crt), write("key", key))
	common := `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
`
	database := fmt.Sprintf(`database mdb
suffix "dc=example,dc=org"
rootdn "cn=root,dc=example,dc=org"
rootpw root
directory %s
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to dn.base="" by * read
access to * by dn.base="%s" read by * none
`, filepath.Join(dir, "db"), Reader)
	s := Server{Root: string(root)}
	a, b, c := porttest.Free(t), porttest.Free(t), porttest.Free(t)
	s.Plain, s.Secure, s.Bare = "ldap://localhost:"+a, "ldaps://localhost:"+b, "ldap://localhost:"+c
	start := func(conf, urls string, ready ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bin, "-f", conf, "-h", urls, "-d", "0")
		cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		for _, port := range ready {
			for {
				conn, err := net.Dial("tcp", "127.0.0.1:"+port)
				if err == nil {
					conn.Close()
					break
				}
				select { // it is another program: nothing tells when it listens
				case err := <-ended:
					ended <- err
					t.Fatalf("slapd ended: %v", err)
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
	}
	start(write("slapd.conf", []byte(common+"pidfile "+dir+"/pid\n"+tlsLines+database)), "ldap://127.0.0.1:"+a+" ldaps://127.0.0.1:"+b, a, b)
	start(write("bare.conf", []byte(common+"pidfile "+dir+"/bare.pid\n"+"moduleload back_null\ndatabase null\nsuffix \"dc=example,dc=org\"\n")), "ldap://127.0.0.1:"+c, c)
	s.fill(t)
	return s
}

// fill adds the people; over the wire, for then the server itself notes who is
// in which group.
func (s Server) fill(t *testing.T) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(s.Root))
	conn, err := ldap.DialURL(s.Secure, ldap.DialWithTLSConfig(&tls.Config{RootCAs: pool, ServerName: "localhost"}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind("cn=root,dc=example,dc=org", "root"); err != nil {
		t.Fatal(err)
	}
	add := func(dn string, attributes ...string) {
		t.Helper()
		r := ldap.NewAddRequest(dn, nil)
		for i := 0; i+1 < len(attributes); i += 2 {
			r.Attribute(attributes[i], []string{attributes[i+1]})
		}
		if err := conn.Add(r); err != nil {
			t.Fatalf("%s: %v", dn, err)
		}
	}
	add("dc=example,dc=org", "objectClass", "domain", "dc", "example")
	add(Reader, "objectClass", "applicationProcess", "cn", "Reader")
	modify := ldap.NewModifyRequest(Reader, nil)
	modify.Add("objectClass", []string{"simpleSecurityObject"})
	modify.Add("userPassword", []string{Secret})
	if err := conn.Modify(modify); err != nil {
		t.Fatal(err)
	}
	for _, ou := range []string{"people", "groups"} {
		add("ou="+ou+",dc=example,dc=org", "objectClass", "organizationalUnit", "ou", ou)
	}
	for uid, mail := range map[string]string{"ada": "ada@example.org", "ben": "desk@example.org", "cleo": "desk@example.org"} {
		add("uid="+uid+","+People, "objectClass", "inetOrgPerson", "uid", uid, "cn", uid, "sn", uid, "mail", mail, "displayName", Called[uid], "userPassword", Password)
	}
	add("cn=Meetbox Owners,ou=groups,dc=example,dc=org", "objectClass", "groupOfNames", "cn", "Meetbox Owners", "member", "uid=ada,"+People)
	add("cn=staff,ou=groups,dc=example,dc=org", "objectClass", "groupOfNames", "cn", "staff", "member", "uid=ada,"+People)
	add("cn=visitors,ou=groups,dc=example,dc=org", "objectClass", "groupOfNames", "cn", "visitors", "member", "uid=cleo,"+People)
}
