package acme

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/kit/porttest"
)

// authority is a real one: pebble, with a directory on the loopback.
type authority struct {
	directory, root string
	answers         *Answers
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "pebble")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	build.Dir = filepath.Join("..", "..", "..", "scripts", "pebble")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("pebble: %v\n%s", err, out)
	}
	a := authority{answers: &Answers{}}
	// What pebble says of itself comes from an authority of the site's own.
	pair, err := certs.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := certs.Load(pair)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(time.Now(), []string{"localhost"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	rootPEM, _ := certs.PEM(pair)
	a.root = string(rootPEM)
	crt, key := certs.PEM(leaf)
	// Where it comes for the proofs is where our answers are.
	proof, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: a.answers}
	go srv.Serve(proof)
	t.Cleanup(func() { srv.Close() })
	listen := net.JoinHostPort("127.0.0.1", porttest.Free(t))
	a.directory = "https://" + listen + "/dir"
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": "", "certificate": filepath.Join(dir, "crt"), "privateKey": filepath.Join(dir, "key"),
		"httpPort": proof.Addr().(*net.TCPAddr).Port, "tlsPort": 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "crt"), crt, 0o600), os.WriteFile(filepath.Join(dir, "key"), key, 0o600), os.WriteFile(filepath.Join(dir, "config"), config, 0o600)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, "-config", filepath.Join(dir, "config"), "-dnsserver", names(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for {
		c, err := net.Dial("tcp", listen)
		if err == nil {
			c.Close()
			return a
		}
		if t.Context().Err() != nil {
			t.Fatal("pebble does not start")
		}
	}
}

// names is a DNS server, over TCP as pebble asks, for which every name below
// site.example is 127.0.0.1.
func names(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go resolve(c)
		}
	}()
	return l.Addr().String()
}

func resolve(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b) != nil || len(m.Questions) != 1 {
			return
		}
		q := m.Questions[0]
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		switch {
		case !strings.HasSuffix(q.Name.String(), ".site.example."):
			m.RCode = dnsmessage.RCodeNameError
		case q.Type == dnsmessage.TypeA:
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
		out, err := m.AppendPack(make([]byte, 2))
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(out, uint16(len(out)-2))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func TestObtain(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	account, err := NewAccountKey()
	if err != nil {
		t.Fatal(err)
	}
	set := api.ACME{Directory: a.directory, Root: a.root, Email: "admin@site.example", Names: []string{"meet.site.example", "box.site.example"}}
	for _, try := range []string{"first", "renewal"} {
		ch, err := Obtain(t.Context(), set, account, a.answers)
		if err != nil {
			t.Fatalf("%s: %v", try, err)
		}
		c, err := x509.ParseCertificate(ch.Certificates[0])
		if err != nil || fmt.Sprint(c.DNSNames) != "[box.site.example meet.site.example]" && fmt.Sprint(c.DNSNames) != "[meet.site.example box.site.example]" || len(ch.Certificates) < 2 {
			t.Errorf("%s: %v, %d certificates, %v", try, c.DNSNames, len(ch.Certificates), err)
		}
		if err := certs.Usable(time.Now(), ch); err != nil {
			t.Errorf("%s: %v", try, err)
		}
	}
	other := set
	other.Names = []string{"meet.other.example"}
	if _, err := Obtain(t.Context(), other, account, a.answers); err == nil || !strings.Contains(err.Error(), "meet.other.example is this box") {
		t.Errorf("a name that leads nowhere: %v", err)
	}
	other = set
	other.Root = ""
	if _, err := Obtain(t.Context(), other, account, a.answers); err == nil || !strings.Contains(err.Error(), "give its root") {
		t.Errorf("without the root: %v", err)
	}
	other.Root = "nonsense"
	if _, err := Obtain(t.Context(), other, account, a.answers); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("a root that is none: %v", err)
	}
	other = set
	other.Directory = "https://127.0.0.1:" + porttest.Free(t) + "/dir"
	if _, err := Obtain(t.Context(), other, account, a.answers); err == nil || !strings.Contains(err.Error(), "nothing listens") {
		t.Errorf("nobody there: %v", err)
	}
	other.Directory = "https://nowhere.invalid/dir"
	if _, err := Obtain(t.Context(), other, account, a.answers); err == nil {
		t.Error("a name that nobody has, and no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Obtain(ctx, set, account, a.answers); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
