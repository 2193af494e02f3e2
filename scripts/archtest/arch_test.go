// Package archtest holds the rules about who may use whom, and how a package
// introduces itself. It has nothing but tests.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "meetbox.local"

// allowed lists, for each top folder, the trees of other folders that it may
// import. Within its own folder the compiler and the package docs rule.
var allowed = map[string][]string{
	"appliance":          {},
	"signaling":          {"appliance/kit"},
	"focus":              {"appliance/kit", "signaling/xmpp"},
	"bridge":             {"appliance/kit", "signaling/xmpp"},
	"web":                {"appliance/kit", "appliance/api"},
	"image":              {},
	"scripts":            {},
	"scripts/run":        {"appliance/api", "appliance/kit/porttest"}, // a longer prefix replaces its folder's line
	"scripts/tsgen":      {"appliance/api"},
	"scripts/convo":      {"signaling/xmpp"},
	"signaling/xmpp":     {}, // the shared vocabulary knows nobody
	"appliance/kit":      {},
	"appliance/api":      {},
	"appliance/selfcall": {"signaling/xmpp"}, // a participant, in a process of its own
	"appliance/internal": {"appliance/kit", "appliance/api", "appliance/internal"},
}

// closed are the trees that may not even import the rest of their own folder.
var closed = []string{"signaling/xmpp", "appliance/kit", "appliance/api", "appliance/internal"}

// outside are the modules that the shared trees may use; all else there is
// the standard library.
var outside = map[string][]string{
	// The kernel's calls for locking in are not in the standard library.
	"appliance/kit": {"github.com/VictoriaMetrics/metrics", "golang.org/x/sys/unix"},
	"appliance/api": {},
}

type goPackage struct {
	ImportPath, Dir                    string
	GoFiles, TestGoFiles, XTestGoFiles []string
	IgnoredGoFiles                     []string // for other systems
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,IgnoredGoFiles,Imports,TestImports,XTestImports", module+"/...")
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var out []goPackage
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		out = append(out, p)
	}
}

// within says whether the path is the tree or below it.
func within(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }

// rule is the longest prefix in the table that covers the path.
func rule(path string) (string, bool) {
	best := ""
	for prefix := range allowed {
		if within(path, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return best, best != ""
}

// verdict says what is wrong with the import, or "".
func verdict(from, to string) string {
	r, ok := rule(from)
	if !ok {
		return "is in a folder that the table does not know"
	}
	if tree, ok := outside[r]; ok && strings.Contains(strings.Split(to, "/")[0], ".") && !within(to, module) && !slices.Contains(tree, to) {
		return "may not use other people's modules, uses " + to
	}
	to, ours := strings.CutPrefix(to, module+"/")
	if !ours {
		return ""
	}
	home, _, _ := strings.Cut(from, "/")
	if slices.Contains(closed, r) {
		home = r
	}
	if within(to, home) || slices.ContainsFunc(allowed[r], func(tree string) bool { return within(to, tree) }) {
		return ""
	}
	return "imports " + to
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, to := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if wrong := verdict(from, to); wrong != "" {
				t.Errorf("%s %s; the table in this file says who may", from, wrong)
			}
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, to string
		ok             bool
	}{
		{"own folder", "bridge/internal/colibri", module + "/bridge/internal/rtp", true},
		{"kit from anywhere", "web", module + "/appliance/kit/unit", true},
		{"vocabulary", "focus", module + "/signaling/xmpp/jid", true},
		{"sideways", "focus", module + "/bridge/internal/rtp", false},
		{"web speaks no XMPP", "web/internal/front", module + "/signaling/xmpp/jid", false},
		{"bridge asks no admin", "bridge", module + "/appliance/api", false},
		{"vocabulary knows no server", "signaling/xmpp/muc", module + "/signaling/internal/router", false},
		{"kit knows no appliance", "appliance/kit/unit", module + "/appliance/internal/state", false},
		{"kit and other modules", "appliance/kit/conf", "gopkg.in/yaml.v3", false},
		{"kit and its metrics", "appliance/kit/ctl", "github.com/VictoriaMetrics/metrics", true},
		{"kit and the standard library", "appliance/kit/ctl", "net/http", true},
		{"a prefix is not a folder", "appliance/kitchen", module + "/appliance/internal/state", true},
		{"unknown folder", "misc", "fmt", false},
		{"scripts keep out", "scripts/verify", module + "/appliance/kit/ctl", false},
		{"the starter reads the API", "scripts/run", module + "/appliance/api", true},
	}
	for _, tc := range tests {
		if got := verdict(tc.from, tc.to); (got == "") != tc.ok {
			t.Errorf("%s: verdict(%s, %s) = %q, want ok %v", tc.name, tc.from, tc.to, got, tc.ok)
		}
	}
}

// Only the vocabulary's client, and what tests it, opens sockets.
func TestVocabularyIsPure(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		if !within(from, "signaling/xmpp") || slices.ContainsFunc([]string{"client", "clienttest", "convo"}, func(s string) bool { return within(from, "signaling/xmpp/"+s) }) {
			continue
		}
		for _, to := range []string{"net", "net/http", "os", "crypto/tls"} {
			if slices.Contains(p.Imports, to) {
				t.Errorf("%s imports %s; only signaling/xmpp/client may", from, to)
			}
		}
	}
}

// What helps tests stays in tests: no service is linked with any of it.
func TestHelpersStayInTests(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"appliance", "signaling", "focus", "bridge", "web"} {
		b, err := exec.Command("go", "list", "-deps", module+"/"+service).Output()
		if err != nil {
			t.Errorf("go list -deps %s: %v", service, err)
		}
		for dep := range strings.Lines(string(b)) {
			// google/nftables' own dialer for tests; it brings nothing else.
			if strings.TrimSpace(dep) == "github.com/mdlayher/netlink/nltest" {
				continue
			}
			if dep = strings.TrimSpace(dep); dep == "testing" || strings.Contains(dep, ".") && strings.HasSuffix(dep, "test") {
				t.Errorf("%s is linked with %s", service, dep)
			}
		}
	}
}

// Each package has its page: one doc comment, in one file. None has an init.
func TestPackages(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		var docs []string
		files := slices.Concat(p.GoFiles, p.IgnoredGoFiles)
		if len(p.GoFiles) == 0 {
			files = slices.Concat(p.TestGoFiles, p.XTestGoFiles) // only tests, like this package
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Errorf("%s/%s: %v", p.ImportPath, name, err)
				continue
			}
			if f.Doc != nil {
				docs = append(docs, name)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s/%s: has an init; start things where they are needed", p.ImportPath, name)
				}
			}
		}
		if len(docs) != 1 {
			t.Errorf("%s: package docs in %d files %v, want one", p.ImportPath, len(docs), docs)
		}
	}
}

// What is pinned in go.mod is what everyone builds.
func TestGoMod(t *testing.T) {
	t.Parallel()
	b, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct{ Replace []json.RawMessage }
	if err := json.Unmarshal(b, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 {
		t.Errorf("go.mod has replace lines: %s", mod.Replace)
	}
}
