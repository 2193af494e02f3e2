package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestReadGo(t *testing.T) {
	t.Parallel()
	in := `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestOne"}
{"Action":"output","Package":"m/a","Test":"TestOne","Output":"quiet\n"}
{"Action":"pass","Package":"m/a","Test":"TestOne"}
{"Action":"output","Package":"m/a","Test":"TestTable/x","Output":"the reason\n"}
{"Action":"fail","Package":"m/a","Test":"TestTable/x"}
{"Action":"pass","Package":"m/a","Test":"TestTable/y"}
{"Action":"fail","Package":"m/a","Test":"TestTable"}
{"Action":"pass","Package":"m/a","Test":"FuzzParse/seed#0"}
{"Action":"pass","Package":"m/a","Test":"FuzzParse/seed#1"}
{"Action":"pass","Package":"m/a","Test":"FuzzParse"}
{"Action":"skip","Package":"m/a","Test":"TestRoot"}
{"Action":"output","Package":"m/a","Output":"FAIL\n"}
{"Action":"fail","Package":"m/a","Elapsed":1.5}
{"Action":"skip","Package":"m/none"}
{"ImportPath":"m/b","Action":"build-output","Output":"b.go:1: broken\n"}
{"ImportPath":"m/b","Action":"build-fail"}
{"Action":"output","Package":"m/b","Output":"FAIL m/b [build failed]\n"}
{"Action":"fail","Package":"m/b"}
`
	var out strings.Builder
	got, err := readGo(strings.NewReader(in), &out)
	if want := (count{passed: 3, failed: 2, skipped: 1}); err != nil || got != want {
		t.Errorf("readGo = %+v, %v, want %+v", got, err, want)
	}
	for part, want := range map[string]bool{"the reason": true, "b.go:1: broken": true, "quiet": false, "m/none": false} {
		if strings.Contains(out.String(), part) != want {
			t.Errorf("shows %q: %v, want %v, in\n%s", part, !want, want, out.String())
		}
	}
}

func TestReadVitest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     count
	}{
		{"all well", " Test Files  3 passed (3)\n      Tests  14 passed (14)\n", count{passed: 14}},
		{"mixed", " Test Files  1 failed | 2 passed (3)\n      Tests  2 failed | 11 passed | 1 skipped (14)\n", count{passed: 11, failed: 2, skipped: 1}},
		{"a file that does not load", " Test Files  1 failed | 2 passed (3)\n      Tests  11 passed (11)\n", count{passed: 11, failed: 1}},
		{"in color", "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m5 passed\x1b[39m\x1b[22m\x1b[90m (5)\x1b[39m\n", count{passed: 5}},
		{"a test that prints one", "stdout: Tests  9 passed (9) or so\n Tests  1 passed (1)\n", count{passed: 1}},
		{"nothing", "no test files found\n", count{}},
	}
	for _, tc := range tests {
		var out strings.Builder
		got, err := readVitest(strings.NewReader(tc.in), &out)
		if err != nil || got != tc.want {
			t.Errorf("%s: readVitest = %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
		if out.String() != tc.in {
			t.Errorf("%s: passed on %q", tc.name, out.String())
		}
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	say := func(text string, code string) []string {
		return []string{"sh", "-c", "echo '" + text + "'; exit " + code}
	}
	vitest := func(command []string) part { return part{name: "a", dir: ".", command: command, read: readVitest} }
	tests := []struct {
		name  string
		parts []part
		want  string
	}{
		{"green", []part{vitest(say("Tests  2 passed (2)", "0")), vitest(say("Tests  3 passed (3)", "0"))}, "5 passed, 0 failed"},
		{"red", []part{vitest(say("Tests  1 failed | 1 passed (2)", "1"))}, "1 passed, 1 failed"},
		{"crash after the count", []part{vitest(say("Tests  2 passed (2)", "3"))}, "2 passed, 1 failed"},
		{"no test", []part{vitest(say("hello", "0"))}, "0 passed, 1 failed"},
		{"no program", []part{vitest([]string{"no-such-program-here"})}, "0 passed, 1 failed"},
		{"no folder", []part{{name: "a", dir: "no-such-folder", command: say("Tests  2 passed (2)", "0"), read: readVitest}}, "0 passed, 1 failed"},
		{"unreadable", []part{{name: "a", dir: ".", command: say("not json", "0"), read: readGo}}, "0 passed, 1 failed"},
	}
	for _, tc := range tests {
		var out strings.Builder
		all(t.Context(), tc.parts, &out)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if got := lines[len(lines)-1]; got != tc.want {
			t.Errorf("%s: last line %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestAgain: a few files that fail are run once more, by their names.
func TestAgain(t *testing.T) {
	t.Parallel()
	// Without names: what fails. With them: the second try.
	script := func(first, second string) []string {
		return []string{"sh", "-c", `if [ $# = 0 ]; then printf "` + first + `"; exit 1; fi; echo "tried: $*"; ` + second, "sh"}
	}
	const one = ` FAIL  e2e/a.test.ts > sees\n FAIL  e2e/a.test.ts > hears\nTests  2 failed | 5 passed (7)\n`
	for _, tc := range []struct {
		name    string
		command []string
		want    count
		says    string
	}{
		{"well the second time", script(one, `echo "Tests  4 passed (4)"`), count{passed: 7, again: 2}, "tried: e2e/a.test.ts\n"},
		{"twice", script(one, `echo "Tests  1 failed | 3 passed (4)"; exit 1`), count{passed: 5, failed: 2}, "tried: e2e/a.test.ts\n"},
		{"not run the second time", script(one, `exit 0`), count{passed: 5, failed: 2}, "ran no test"},
		{"not loaded", script(` FAIL  e2e/a.test.ts [ e2e/a.test.ts ]\nTest Files  1 failed (1)\n`, `echo "Tests  1 passed (1)"`), count{passed: 1, again: 1}, "tried: e2e/a.test.ts\n"},
		{"too many", script(` FAIL  a.test.ts\n FAIL  b.test.ts\n FAIL  c.test.ts\n FAIL  d.test.ts\nTests  4 failed (4)\n`, `echo "Tests  4 passed (4)"`), count{failed: 4}, ""},
		{"outside of all tests", script(one+` Unhandled Errors\n`, `echo "Tests  4 passed (4)"`), count{passed: 5, failed: 2}, ""},
		{"nothing to name", script(`Tests  2 passed (2)\n`, `echo "Tests  2 passed (2)"`), count{passed: 2, failed: 1}, ""},
	} {
		var out strings.Builder
		got := part{name: "browsers", dir: ".", command: tc.command, read: readVitest, again: failedFiles}.tries(t.Context(), &out)
		if got != tc.want || !strings.Contains(out.String(), tc.says) || tc.says == "" && strings.Contains(out.String(), "tried") {
			t.Errorf("%s: %+v, want %+v, with %q in\n%s", tc.name, got, tc.want, tc.says, out.String())
		}
	}
}

func TestFailedPackages(t *testing.T) {
	t.Parallel()
	const (
		late = `{"Action":"output","Package":"m/a","Test":"TestOne","Output":"not within a second\n"}
{"Action":"fail","Package":"m/a","Test":"TestOne"}
{"Action":"fail","Package":"m/a","Elapsed":1.5}
{"Action":"pass","Package":"m/b"}
`
		said = `{"Action":"output","Package":"m/c","Output":"%s\n"}
{"Action":"fail","Package":"m/c"}
`
	)
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"late":       {late, []string{"m/a"}},
		"two":        {late + fmt.Sprintf(said, "FAIL"), []string{"m/a", "m/c"}},
		"a race":     {late + fmt.Sprintf(said, "WARNING: DATA RACE"), nil},
		"a panic":    {late + fmt.Sprintf(said, "panic: index out of range [1]"), nil},
		"a deadlock": {late + fmt.Sprintf(said, "fatal error: all goroutines are asleep"), nil},
		"no build":   {late + fmt.Sprintf(said, "FAIL m/c [build failed]"), nil},
		"well":       {`{"Action":"pass","Package":"m/b"}`, nil},
	} {
		var out strings.Builder
		if _, err := readGo(strings.NewReader(tc.in), &out); err != nil {
			t.Fatal(err)
		}
		if got := failedPackages(out.String()); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q, in\n%s", name, got, tc.want, out.String())
		}
	}
}

// The three parts exist in this repository.
func TestParts(t *testing.T) {
	t.Parallel()
	for _, p := range parts {
		if _, err := os.Stat("../../" + p.dir); err != nil {
			t.Error(err)
		}
		if c, err := p.read(strings.NewReader(""), io.Discard); err != nil || c != (count{}) {
			t.Errorf("%s: reading nothing gives %+v, %v", p.name, c, err)
		}
	}
}
