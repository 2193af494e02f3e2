package adapter

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/scripts/bench/internal/media"
	"meetbox.local/scripts/bench/internal/rtcx"
)

const (
	mbBridge  = "bridge-bench"
	mbBrewery = "jvbbrewery@internal-muc.meet.jitsi"
	mbXMPP    = ":5222"
	// mbLoopback: signaling lets the services' accounts in from there only.
	mbLoopback = "127.0.0.1" + mbXMPP
	mbMedia    = 10000
)

// meetbox is Meetbox's bridge, steered by Colibri2 through Meetbox's own
// signaling as its focus would. The bridge is the measured process; signaling
// runs beside it. Option rw=1 is SSRC rewriting.
func meetbox() Adapter {
	focus := &mbFocus{rooms: map[string]*mbRoom{}}
	return Adapter{
		Name:   "meetbox",
		Server: mbServer,
		Client: func(s Spec) Client { return &mbClient{s: s, room: focus.room(s.Room), rewriting: s.Opts["rw"] == "1"} },
	}
}

func mbServer(s ServerSpec) (Server, error) {
	login := func(user, resource string) any {
		return map[string]any{"address": mbLoopback, "domain": "auth.meet.jitsi", "user": user, "password": "secret-" + user,
			"resource": resource, "ca": filepath.Join(s.Work, "xmpp.crt")}
	}
	var accounts []any
	for _, user := range []string{"focus", "jvb"} {
		a, err := mbAccount(user)
		if err != nil {
			return Server{}, err
		}
		accounts = append(accounts, a)
	}
	if err := mbCertificate(s); err != nil {
		return Server{}, err
	}
	for name, v := range map[string]any{
		"signaling.json": map[string]any{
			"domain": "meet.jitsi", "auth_domain": "auth.meet.jitsi", "muc_domain": "muc.meet.jitsi",
			"internal_muc_domain": "internal-muc.meet.jitsi", "focus_domain": "focus.meet.jitsi", "focus_user": "focus",
			"tcp": mbLoopback, "certificate": filepath.Join(s.Work, "xmpp.crt"), "key": filepath.Join(s.Work, "xmpp.key"),
			"accounts": accounts,
		},
		"bridge.json": map[string]any{
			"id": mbBridge, "brewery": mbBrewery, "xmpp": login("jvb", mbBridge),
			"media":     map[string]any{"port": mbMedia, "addresses": []string{s.IP}, "ignore_bandwidth": s.Opts["nolimit"] == "1"},
			"websocket": map[string]any{"domains": []string{"localhost:8443"}},
		},
	} {
		b, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(s.Work, name), b, 0o600)
		}
		if err != nil {
			return Server{}, err
		}
	}
	bin := s.Meetbox
	if d := s.Opts["bin"]; d != "" { // another build, to compare with
		bin = d
	}
	self, err := os.Executable()
	if err != nil {
		return Server{}, err
	}
	return Server{
		Argv:    []string{filepath.Join(bin, "bridge"), "-run", s.Work},
		Beside:  [][]string{{filepath.Join(bin, "signaling"), "-run", s.Work, "-state", s.Work}, {self, "relay", s.IP + mbXMPP, mbLoopback}},
		Ready:   s.IP + mbXMPP,
		Control: filepath.Join(s.Work, "ctl/bridge.sock"),
	}, nil
}

// mbAccount is what signaling keeps of a password.
func mbAccount(user string) (any, error) {
	stored := map[string]any{}
	for name, h := range map[string]scram.HashGeneratorFcn{"SCRAM-SHA-1": scram.SHA1, "SCRAM-SHA-256": scram.SHA256} {
		c, err := h.NewClient(user, "secret-"+user, "")
		if err != nil {
			return nil, err
		}
		k, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of " + user, Iters: 4096})
		if err != nil {
			return nil, err
		}
		b64 := base64.StdEncoding.EncodeToString
		stored[name] = map[string]any{"salt": b64([]byte(k.Salt)), "iterations": k.Iters, "stored_key": b64(k.StoredKey), "server_key": b64(k.ServerKey)}
	}
	return map[string]any{"user": user, "scram": stored}, nil
}

// mbCertificate makes signaling's, which is its own authority.
func mbCertificate(s ServerSpec) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"meet.jitsi", "auth.meet.jitsi"}, IPAddresses: []net.IP{net.ParseIP(s.IP)},
	}
	crt, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"xmpp.crt": {Type: "CERTIFICATE", Bytes: crt}, "xmpp.key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(filepath.Join(s.Work, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// mbSource is one medium that a client sends.
type mbSource struct {
	name string
	kind int
	ssrc []uint32 // of the simulcast encodings, lowest first
	rtx  []uint32
}

// mbFocus is the focus: its session with the bridge, and the rooms.
type mbFocus struct {
	mu    sync.Mutex
	xmpp  *xmppConn
	rooms map[string]*mbRoom
}

func (f *mbFocus) room(name string) *mbRoom {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.rooms[name]
	if r == nil {
		r = &mbRoom{focus: f, name: name}
		f.rooms[name] = r
	}
	return r
}

// mbRoom is who sends what in a room.
type mbRoom struct {
	focus   *mbFocus
	name    string
	mu      sync.Mutex
	created bool
	clients []*mbClient
}

// login makes the brewery and waits for the bridge in it.
func (r *mbFocus) login(ctx context.Context, ip string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.xmpp != nil {
		return nil
	}
	x, err := dialXMPP(ctx, ip+mbXMPP, "auth.meet.jitsi", "focus", "secret-focus", "focus")
	if err != nil {
		return err
	}
	if err := x.write(`<presence to="` + mbBrewery + `/focus"><x xmlns="http://jabber.org/protocol/muc"/></presence>`); err != nil {
		return err
	}
	select {
	case <-x.seen(mbBrewery + "/" + mbBridge):
	case <-ctx.Done():
		return fmt.Errorf("the bridge is not in the brewery: %w", ctx.Err())
	}
	r.xmpp = x
	return nil
}

// modify sends a conference-modify.
func (r *mbRoom) modify(ctx context.Context, attributes, payload string) (element, error) {
	return r.focus.xmpp.ask(ctx, mbBrewery+"/"+mbBridge,
		`<conference-modify xmlns="jitsi:colibri2" meeting-id="`+r.name+`"`+attributes+`>`+payload+`</conference-modify>`)
}

// enter adds a client and says what the others send. The first makes the
// conference.
func (r *mbRoom) enter(c *mbClient) (others []mbSource, create string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.clients {
		others = append(others, o.sources...)
	}
	if !r.created {
		r.created, create = true, ` create="true" name="`+r.name+`@muc.meet.jitsi"`
	}
	r.clients = append(r.clients, c)
	return others, create
}

// announce is source-add: the others hear of what c sends before it flows.
func (r *mbRoom) announce(c *mbClient, sources []mbSource) error {
	r.mu.Lock()
	c.sources = sources
	others := append([]*mbClient(nil), r.clients...)
	r.mu.Unlock()
	errs := make(chan error, len(others))
	for _, o := range others {
		go func() {
			if o == c || !o.s.Receive || o.rewriting {
				errs <- nil
				return
			}
			errs <- o.add(sources)
		}()
	}
	var first error
	for range others {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// mbClient is one participant: one PeerConnection that is offered everything,
// as Jitsi's clients are.
type mbClient struct {
	s         Spec
	room      *mbRoom
	rewriting bool
	sources   []mbSource // guarded by room.mu

	mu      sync.Mutex
	pc      *peer
	offer   mbOffer
	n       Negotiated
	closing bool
}

func (c *mbClient) id() string { return "p" + strconv.Itoa(c.s.ID) }

// Join implements Client.
func (c *mbClient) Join(ctx context.Context) error {
	if err := c.room.focus.login(ctx, c.s.IP); err != nil {
		return err
	}
	pc, err := newPeer(c.s)
	if err != nil {
		return err
	}
	c.pc = pc
	if err := pc.publish(c.s.Tracks); err != nil {
		return err
	}
	if err := c.openChannel(); err != nil {
		return err
	}
	others, create := c.room.enter(c)
	o := c.s.PCs.Options()
	answer, err := c.room.modify(ctx, create, mbAllocate(c.id(), c.rewriting, !o.NoTWCC && !o.Light))
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.offer = newMBOffer(answer, c.s.Tracks, !o.NoTWCC && !o.Light)
	if c.s.Receive && !c.rewriting {
		c.offer.remote = others
	}
	err = c.renegotiate()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	endpoint := `<endpoint id="` + c.id() + `">%s</endpoint>`
	if _, err := c.room.modify(ctx, "", fmt.Sprintf(endpoint, mbTransport(pc.LocalDescription().SDP))); err != nil {
		return err
	}
	sources := c.sends()
	if err := c.room.announce(c, sources); err != nil {
		return err
	}
	_, err = c.room.modify(ctx, "", fmt.Sprintf(endpoint, mbSources(sources)))
	return err
}

// sends is what this client's PeerConnection sends.
func (c *mbClient) sends() []mbSource {
	var out []mbSource
	for _, t := range c.pc.GetTransceivers() {
		if t.Sender() == nil || t.Sender().Track() == nil {
			continue
		}
		s := mbSource{name: c.id() + "-a0", kind: media.Audio}
		if t.Kind().String() == "video" {
			s.name, s.kind = c.id()+"-v0", media.Video
		}
		for _, e := range t.Sender().GetParameters().Encodings {
			s.ssrc = append(s.ssrc, uint32(e.SSRC))
			if e.RTX.SSRC != 0 {
				s.rtx = append(s.rtx, uint32(e.RTX.SSRC))
			}
		}
		out = append(out, s)
	}
	return out
}

// add offers the client more remote sources.
func (c *mbClient) add(sources []mbSource) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	c.offer.remote = append(c.offer.remote, sources...)
	return c.renegotiate()
}

// renegotiate is called with the lock held.
func (c *mbClient) renegotiate() error {
	sdp := c.offer.String()
	c.n.RecvSDP = sdp
	if len(c.s.Tracks) > 0 {
		c.n.PubSDP = sdp
	}
	_, err := c.pc.answer(sdp)
	return err
}

// Close implements Client.
func (c *mbClient) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if c.pc != nil {
		c.pc.Close()
	}
}

// Negotiated implements Client.
func (c *mbClient) Negotiated() Negotiated {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.PCs = 1
	if c.pc != nil {
		c.n.SRTP = rtcx.SRTPProfile(c.pc.PeerConnection)
	}
	return c.n
}
