package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/api"
)

var errUsage = errors.New("usage")

// call is one run of the program.
type call struct {
	stdin  *bufio.Reader
	stdout io.Writer
	config string
	set    settings

	name, code, oneTime string // of claim and sign-in
	as                  string // who signs in for this command alone
	json                bool   // everything in JSON, help and errors too
	host, trust, codes  string // of setup
	fingerprint, at     string // of trust and set-network
}

type command struct {
	args, help string
	least      int
	run        func(context.Context, *call, []string) error
}

func commands() map[string]command {
	verb := func(method string) func(context.Context, *call, []string) error {
		return func(ctx context.Context, c *call, args []string) error { return c.send(ctx, method, args) }
	}
	return map[string]command{
		"claim":      {"", "become the owner with -code and -name; the password comes on the standard input", 0, claim},
		"sign-in":    {"", "sign in with -name and keep a token; the password comes on the standard input", 0, signIn},
		"get":        {"PATH", "show what is at the path", 1, verb(http.MethodGet)},
		"post":       {"PATH [FIELD=VALUE…|-]", "do something", 1, verb(http.MethodPost)},
		"put":        {"PATH [FIELD=VALUE…|-]", "replace what is at the path", 1, verb(http.MethodPut)},
		"patch":      {"PATH [FIELD=VALUE…|-]", "change what is at the path", 1, verb(http.MethodPatch)},
		"delete":     {"PATH", "remove what is at the path", 1, verb(http.MethodDelete)},
		"set":        {"PATH FIELD=VALUE…", "change some fields of a section, unless somebody changes it at the same time", 2, set},
		"set-clock":  {"", "set the box's clock from this machine's", 0, setClock},
		"upload":     {"PATH FILE", "send a file, such as an update or a backup", 2, upload},
		"download":   {"PATH FILE", "fetch a file; FIELD=VALUE… after it are sent (backup)", 2, download},
		"routes":     {"", "list every path with what it does", 0, routes},
		"completion": {"[bash|zsh|fish]", "print what a shell needs to complete commands and paths", 0, completion},

		"setup":          {"", "all of the setup wizard: claim with -code and -name, then name (-host), clock, trust file (-trust), codes (-codes), test call", 0, setup},
		"trust":          {"[FILE]", "fetch the box's authority; compare it with -fingerprint, or by -ca", 0, trust},
		"test-call":      {"", "have the box call itself; exit code 1 when it does not work", 0, testCall},
		"recovery-codes": {"", "make new recovery codes for -as NAME; the password comes on the standard input", 0, recoveryCodes},
		"set-network":    {"FIELD=VALUE…|-", "change the network and confirm it at the new address (-at URL), or it is taken back", 1, setNetwork},
	}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer, getenv func(string) string) error {
	c := &call{stdin: bufio.NewReader(stdin), stdout: stdout}
	// Flags may stand before or after the command.
	fl, address, ca := c.flags()
	if len(args) == 0 {
		return c.help(nil)
	}
	if err := fl.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c.help(nil)
	} else if err != nil || fl.NArg() == 0 {
		return fmt.Errorf("%w: %w; meetboxctl help lists the commands", errUsage, cmp.Or(err, errors.New("there is no command")))
	}
	name := fl.Arg(0)
	rest, err := interleaved(fl, fl.Args()[1:])
	if errors.Is(err, flag.ErrHelp) {
		return c.help([]string{name})
	} else if err != nil {
		return fmt.Errorf("%w: %w; meetboxctl help lists the flags", errUsage, err)
	}
	if name == "help" {
		return c.help(rest)
	}
	cmd, ok := commands()[name]
	if !ok {
		return fmt.Errorf("%w: there is no command %q%s; meetboxctl help lists them", errUsage, name, nearest(name))
	}
	if len(rest) < cmd.least {
		return fmt.Errorf("%w: meetboxctl %s %s", errUsage, name, cmd.args)
	}
	if c.set, err = load(c.config, getenv); err != nil {
		return err
	}
	c.set.URL = cmp.Or(*address, c.set.URL)
	if *ca != "" {
		b, err := os.ReadFile(*ca)
		if err != nil {
			return err
		}
		c.set.CA = string(b)
	}
	return cmd.run(ctx, c, rest)
}

// show prints JSON so that people can read it.
func (c *call) show(b []byte) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	var out bytes.Buffer
	if json.Indent(&out, bytes.TrimSpace(b), "", "  ") != nil {
		out.Reset()
		out.Write(b) // not JSON: as it is
	} else {
		out.WriteByte('\n')
	}
	_, err := c.stdout.Write(out.Bytes())
	return err
}

// password is the next line of the standard input.
func (c *call) password() (string, error) {
	line, err := c.stdin.ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if line = strings.TrimRight(line, "\r\n"); err == nil && line == "" {
		err = fmt.Errorf("%w: the password is expected on the standard input", errUsage)
	}
	return line, err
}

// open connects to the box; with -as somebody signs in, for this command
// alone, because some things only a person may do.
func (c *call) open(ctx context.Context) (*box, error) {
	b, err := open(c.set)
	if err != nil || c.as == "" {
		return b, err
	}
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	b.token = ""
	_, _, err = b.json(ctx, http.MethodPost, "session", api.SignIn{Name: c.as, Password: password, OneTime: c.oneTime})
	return b, err
}

// keep makes a token, so that the next command needs no password.
func (c *call) keep(ctx context.Context, b *box, role api.Role) error {
	host, err := os.Hostname()
	if err != nil {
		host = "somewhere"
	}
	name := "meetboxctl " + host
	raw, _, err := b.json(ctx, http.MethodPost, "tokens", api.NewToken{Name: name[:min(len(name), 60)], Role: role, Scopes: []string{"*"}, Days: 365})
	if err != nil {
		return err
	}
	var made api.MadeToken
	if err := json.Unmarshal(raw, &made); err != nil {
		return err
	}
	c.set.Token = made.Secret
	if err := c.set.save(c.config); err != nil {
		return err
	}
	_, _, err = b.json(ctx, http.MethodDelete, "session", nil)
	return err
}

func claim(ctx context.Context, c *call, _ []string) error {
	_, raw, err := c.claim(ctx)
	if err != nil {
		return err
	}
	return c.show(raw)
}

// claim makes the owner and keeps a token.
func (c *call) claim(ctx context.Context) (made api.Claimed, raw []byte, err error) {
	password, err := c.password()
	if err != nil {
		return made, nil, err
	}
	c.set.Token = ""
	b, err := open(c.set)
	if err != nil {
		return made, nil, err
	}
	raw, _, err = b.json(ctx, http.MethodPost, "claim", api.Claim{Code: c.code, Name: c.name, Password: password})
	if err != nil {
		return made, nil, err
	}
	if err := json.Unmarshal(raw, &made); err != nil {
		return made, raw, err
	}
	// The codes are shown only now, whatever becomes of the token.
	if err := c.keep(ctx, b, api.Owner); err != nil {
		return made, raw, errors.Join(c.show(raw), err)
	}
	return made, raw, nil
}

func signIn(ctx context.Context, c *call, _ []string) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	c.set.Token = ""
	b, err := open(c.set)
	if err != nil {
		return err
	}
	raw, _, err := b.json(ctx, http.MethodPost, "session", api.SignIn{Name: c.name, Password: password, OneTime: c.oneTime})
	if err != nil {
		return err
	}
	var s api.Session
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	return errors.Join(c.show(raw), c.keep(ctx, b, s.Role))
}

// send is one request as it is.
func (c *call) send(ctx context.Context, method string, args []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	var q any
	if len(args) > 1 {
		if q, err = c.document(args[1:]); err != nil {
			return err
		}
	}
	var header []string
	if method != http.MethodGet {
		header = append(header, "If-Match", "*") // set is for who wants to be careful
	}
	raw, _, err := b.json(ctx, method, args[0], q, header...)
	if err != nil {
		return err
	}
	return c.show(raw)
}

// document is what FIELD=VALUE… mean, or the standard input.
func (c *call) document(args []string) (any, error) {
	if len(args) == 1 && args[0] == "-" {
		b, err := io.ReadAll(io.LimitReader(c.stdin, maxAnswer))
		if err == nil && !json.Valid(b) {
			err = errors.New("the standard input is not JSON")
		}
		return json.RawMessage(b), err
	}
	doc := map[string]any{}
	return doc, change(doc, args)
}

// change sets fields; a dot leads into a part.
func change(doc map[string]any, args []string) error {
	for _, a := range args {
		field, text, ok := strings.Cut(a, "=")
		if !ok || field == "" {
			return fmt.Errorf("%w: %q is not FIELD=VALUE", errUsage, a)
		}
		part, path := doc, strings.Split(field, ".")
		for _, name := range path[:len(path)-1] {
			next, ok := part[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				part[name] = next
			}
			part = next
		}
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text // a word needs no quotes
		}
		part[path[len(path)-1]] = v
	}
	return nil
}

func set(ctx context.Context, c *call, args []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	raw, header, err := b.json(ctx, http.MethodGet, args[0], nil)
	if err != nil {
		return err
	}
	doc := map[string]any{}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	if err := change(doc, args[1:]); err != nil {
		return err
	}
	if raw, _, err = b.json(ctx, http.MethodPut, args[0], doc, "If-Match", header.Get("ETag")); err != nil {
		return err
	}
	return c.show(raw)
}

func setClock(ctx context.Context, c *call, _ []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	raw, _, err := b.json(ctx, http.MethodPost, "clock/set", api.SetClock{Now: time.Now().UTC()})
	if err != nil {
		return err
	}
	return c.show(raw)
}

func upload(ctx context.Context, c *call, args []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	f, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	resp, err := b.ask(ctx, http.MethodPost, args[0], "application/octet-stream", f)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return errors.Join(err, c.show(raw))
}

func download(ctx context.Context, c *call, args []string) error {
	b, err := c.open(ctx)
	if err != nil {
		return err
	}
	method, kind, body := http.MethodGet, "", io.Reader(http.NoBody)
	if len(args) > 2 {
		q, err := c.document(args[2:])
		if err != nil {
			return err
		}
		raw, err := json.Marshal(q)
		if err != nil {
			return err
		}
		method, kind, body = http.MethodPost, "application/json", bytes.NewReader(raw)
	}
	resp, err := b.ask(ctx, method, args[0], kind, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.OpenFile(args[1], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, resp.Body)
	if err := errors.Join(err, f.Close()); err != nil || !c.json {
		return err
	}
	return c.print(map[string]any{"file": args[1], "bytes": n})
}

// route is one line of the box's description.
type route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Role   string `json:"role"`
	Text   string `json:"text"`
}

func list(ctx context.Context, c *call) ([]route, error) {
	b, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	raw, _, err := b.json(ctx, http.MethodGet, "openapi.json", nil)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Summary string
			Role    string `json:"x-role"`
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var out []route
	for _, p := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, m := range slices.Sorted(maps.Keys(doc.Paths[p])) {
			out = append(out, route{m, strings.TrimPrefix(p, "/api/v1/"), doc.Paths[p][m].Role, doc.Paths[p][m].Summary})
		}
	}
	return out, nil
}

func routes(ctx context.Context, c *call, _ []string) error {
	all, err := list(ctx, c)
	if err != nil {
		return err
	}
	if c.json {
		return c.print(all)
	}
	for _, r := range all {
		if _, err := fmt.Fprintf(c.stdout, "%-6s %-32s %-8s %s\n", r.Method, r.Path, r.Role, r.Text); err != nil {
			return err
		}
	}
	return nil
}
