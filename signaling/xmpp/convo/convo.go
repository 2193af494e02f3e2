// Package convo plays conversations with an XMPP server out of text files, in
// tests. A file reads like a protocol example:
//
//	focus: tcp focus
//	ann:   websocket
//	ann>   <presence to="demo@muc.meet.jitsi/${ann.nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>
//	ann<   <presence from="demo@muc.meet.jitsi/focus"/>
//	ann:   silent
//
// "name:" is an order to a client, or to the server; ">" is what it sends, "<"
// what it receives next. A line that begins with white space continues the one
// before; "#" begins a comment.
//
// What is received must have the name, the attributes, the text and the
// children that are written; it may have more. Other arrows say it otherwise:
//
//	<=  it may not have more children
//	<~  other stanzas may come before, which are not looked at
//	<*  other stanzas may come before, and wait for lines further down: for
//	    what several senders say at a time
//	<!  nothing like this has come up to now
//
// ${name} in an expected value, or in a part of it, takes whatever is there
// the first time (in a part: no quotes, unless its name begins with any), and
// must be equal from then on; ${ann.jid}, ${ann.bare} and ${ann.nick} are set
// by the login. A received stanza is judged by encoding/xml, so what the
// server sends is also known to be well-formed.
//
// Orders to clients: websocket [QUERY], bosh [QUERY], tcp USER, login USER
// RESOURCE, guest, token CLAIMS (JSON without blanks) [QUERY] log in; dial
// [QUERY | token CLAIMS] only connects, for files that write the login
// themselves; prefix=TENANT is the query of who comes below a tenant's name;
// then enable, cut,
// resume, reopen, close, silent ("nothing has come", found out by a ping). To
// servers: "server: restart", "server: settings JSON", and what a Stage takes.
// "include NAME" plays NAME.txt of the folder scenes beside the file's own.
package convo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Door is where accounts log in.
type Door interface {
	TCP(ctx context.Context) (Wire, error)
	// Password of an account of the auth domain.
	Password(user string) string
}

// World is what a conversation is played against.
type World interface {
	// WebSocket connects; the query is that of the URL.
	WebSocket(ctx context.Context, query string) (Wire, error)
	BOSH(query string) Wire
	Door
	// Restart kills the server and starts it again.
	Restart(t *testing.T)
}

// Stage is a World with more than one server.
type Stage interface {
	World
	// Order tells a server something, if there is one of that name.
	Order(t *testing.T, name string, words []string) (ok bool)
}

// patience is how long a client waits for what it expects.
const patience = 30 * time.Second

// Play plays a file.
func Play(t *testing.T, w World, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	PlayText(t, w, file, string(b))
}

// PlayText plays the text of a file.
func PlayText(t *testing.T, w World, file, text string) {
	t.Helper()
	p := &player{t: t, world: w, file: file, clients: map[string]*Client{}, vars: map[string]string{}}
	t.Cleanup(func() {
		for _, c := range p.clients {
			c.Cut()
		}
	})
	p.playAll(text)
}

func (p *player) playAll(text string) {
	p.t.Helper()
	for _, l := range lines(text) {
		scene, ok := strings.CutPrefix(l.text, "include ")
		if !ok {
			p.play(l)
			continue
		}
		file := p.file
		p.file = filepath.Join(filepath.Dir(filepath.Dir(file)), "scenes", scene+".txt")
		b, err := os.ReadFile(p.file)
		if err != nil {
			p.t.Fatalf("%s:%d: %v", file, l.number, err)
		}
		p.playAll(string(b))
		p.file = file
	}
}

type line struct {
	number int
	text   string
}

// lines joins continued ones.
func lines(text string) (out []line) {
	n := 0
	for s := range strings.Lines(text) {
		n++
		s = strings.TrimRight(s, "\n")
		switch trimmed := strings.TrimSpace(s); {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case s[0] == ' ' || s[0] == '\t':
			out[len(out)-1].text += " " + trimmed
		default:
			out = append(out, line{n, s})
		}
	}
	return out
}

type player struct {
	t       *testing.T
	world   World
	file    string
	clients map[string]*Client
	vars    map[string]string
}

var lineForm = regexp.MustCompile(`^([a-z][a-z0-9]*)(:|>|<=|<~|<\*|<!|<)\s*(.*)$`)

func (p *player) play(l line) {
	p.t.Helper()
	m := lineForm.FindStringSubmatch(l.text)
	if m == nil {
		p.t.Fatalf("%s:%d: cannot read %q", p.file, l.number, l.text)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	var err error
	switch name, rest := m[1], m[3]; m[2] {
	case ":":
		err = p.order(ctx, name, strings.Fields(p.fill(rest)))
	case ">":
		if c := p.clients[name]; c == nil {
			err = fmt.Errorf("no client %s", name)
		} else {
			err = c.Send(ctx, p.fill(rest))
		}
	default:
		err = p.expect(ctx, name, p.fill(rest), m[2])
	}
	if err != nil {
		p.t.Fatalf("%s:%d: %s\n%v", p.file, l.number, l.text, err)
	}
}

var variable = regexp.MustCompile(`\$\{([a-z0-9.]+)\}`)

// fill puts in the variables that have a value.
func (p *player) fill(s string) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		if value, ok := p.vars[v[2:len(v)-1]]; ok {
			return value
		}
		return v
	})
}

func (p *player) order(ctx context.Context, name string, words []string) error {
	if s, ok := p.world.(Stage); ok && s.Order(p.t, name, words) {
		return nil
	}
	if name == "server" && strings.Join(words, " ") == "restart" {
		p.world.Restart(p.t)
		return nil
	}
	if name == "server" && len(words) > 1 && words[0] == "settings" {
		w, ok := p.world.(Settings)
		if !ok {
			return errors.New("this server's settings cannot be changed")
		}
		w.Change(p.t, strings.Join(words[1:], " "))
		return nil
	}
	c := p.clients[name]
	if c == nil && (len(words) == 0 || !slices.Contains([]string{"websocket", "bosh", "tcp", "dial"}, words[0]) && !person(words[0])) {
		return fmt.Errorf("no client %s", name)
	}
	var err error
	switch words[0] {
	case "websocket":
		c, err = Guest(ctx, p.world, strings.Join(words[1:], "&"))
	case "bosh":
		c, err = GuestBOSH(ctx, p.world, strings.Join(words[1:], "&"))
	case "tcp":
		c, err = Account(ctx, p.world, words[1])
	case "login", "guest", "token":
		c, err = p.person(ctx, words)
	case "dial":
		c, err = p.dial(ctx, c, words[1:])
	case "enable":
		return c.Enable(ctx)
	case "cut":
		c.Cut()
		return nil
	case "resume":
		return c.Resume(ctx, p.world)
	case "reopen":
		return c.Reopen(ctx, p.world)
	case "close":
		return c.Close(ctx)
	case "silent":
		return c.Silent(ctx)
	default:
		return fmt.Errorf("unknown order %q", words)
	}
	if err != nil {
		return err
	}
	if old := p.clients[name]; old != nil {
		old.Cut()
	}
	p.clients[name] = c
	if c.JID == "" {
		return nil
	}
	bare, _, _ := strings.Cut(c.JID, "/")
	p.vars[name+".jid"], p.vars[name+".bare"], p.vars[name+".nick"] = c.JID, bare, bare[:min(8, len(bare))]
	return nil
}

func (p *player) expect(ctx context.Context, name, text, how string) error {
	c := p.clients[name]
	if c == nil {
		return fmt.Errorf("no client %s", name)
	}
	want, err := Parse(`<w xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">` + text + `</w>`)
	if err != nil {
		return fmt.Errorf("expectation: %w", err)
	}
	if len(want.Children) != 1 {
		return fmt.Errorf("expectation: one element, please")
	}
	like := func(n *Node) error {
		before := maps.Clone(p.vars)
		err := p.match(want.Children[0], n, how == "<=")
		if err != nil {
			p.vars = before
			err = fmt.Errorf("%w\nwant %s\ngot  %s", err, text, n.Source)
		}
		return err
	}
	switch how {
	case "<*":
		return c.Find(ctx, like)
	case "<!":
		return c.Never(ctx, like)
	}
	for {
		got, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if err := like(got); err == nil || how != "<~" {
			return err
		}
	}
}

// match compares, and takes variables from got.
func (p *player) match(want, got *Node, exact bool) error {
	if want.Name != got.Name {
		return fmt.Errorf("want element %v, got %v", want.Name, got.Name)
	}
	for k, v := range want.Attrs {
		value, ok := got.Attrs[k]
		if !ok {
			return fmt.Errorf("%s has no %s", got.Name.Local, k)
		}
		if err := p.value(got.Name.Local+"/"+k, v, value); err != nil {
			return err
		}
	}
	if want.Text != "" {
		if err := p.value(got.Name.Local, want.Text, got.Text); err != nil {
			return err
		}
	}
	used := map[*Node]bool{}
	for _, w := range want.Children {
		var problem error
		for _, g := range got.Children {
			if used[g] || g.Name != w.Name {
				continue
			}
			if problem = p.match(w, g, exact); problem == nil {
				used[g] = true
				break
			}
		}
		if problem != nil {
			return problem
		}
		if len(used) == 0 || !matched(used, got, w) {
			return fmt.Errorf("%s has no child %v", got.Name.Local, w.Name)
		}
	}
	if exact && len(got.Children) != len(want.Children) {
		return fmt.Errorf("%s has %d children, want %d", got.Name.Local, len(got.Children), len(want.Children))
	}
	return nil
}

func matched(used map[*Node]bool, got, w *Node) bool {
	for _, g := range got.Children {
		if used[g] && g.Name == w.Name {
			return true
		}
	}
	return false
}

// value compares a text; variables without a value may stand anywhere in it.
func (p *player) value(what, want, got string) error {
	names := variable.FindAllStringSubmatch(want, -1)
	if names == nil {
		if want != got {
			return fmt.Errorf("%s is %q, want %q", what, got, want)
		}
		return nil
	}
	var pattern strings.Builder
	pattern.WriteString("(?s)^")
	for i, literal := range variable.Split(want, -1) {
		switch {
		case i == 0:
		case names[i-1][0] == want || strings.HasPrefix(names[i-1][1], "any"):
			pattern.WriteString("(.*?)")
		default:
			pattern.WriteString(`([^"]*?)`)
		}
		pattern.WriteString(regexp.QuoteMeta(literal))
	}
	m := regexp.MustCompile(pattern.String() + "$").FindStringSubmatch(got)
	if m == nil {
		return fmt.Errorf("%s is %q, want %q", what, got, want)
	}
	for i, n := range names {
		p.vars[n[1]] = m[i+1]
	}
	return nil
}
