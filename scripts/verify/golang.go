package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// event is a line of "go test -json" (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
	Elapsed    float64
}

// goTests gathers events until their package is complete.
type goTests struct {
	out     io.Writer
	output  map[key]*strings.Builder
	parents map[key]bool // tests that have subtests; those are counted instead
	results map[key]string
	total   count
}

type key struct{ pkg, test string }

func readGo(r io.Reader, out io.Writer) (count, error) {
	g := goTests{out, map[key]*strings.Builder{}, map[key]bool{}, map[key]string{}, count{}}
	for d := json.NewDecoder(r); ; {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return g.total, nil
		} else if err != nil {
			return g.total, fmt.Errorf("go test's output: %w", err)
		}
		g.take(e)
	}
}

func (g *goTests) take(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(g.out, e.Output)
	case "output":
		if g.output[k] == nil {
			g.output[k] = new(strings.Builder)
		}
		g.output[k].WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			g.finish(e)
			return
		}
		g.results[k] = e.Action
		for t := e.Test; strings.Contains(t, "/"); {
			t = t[:strings.LastIndexByte(t, '/')]
			g.parents[key{e.Package, t}] = true
		}
		if e.Action == "fail" {
			g.show(k)
		}
		delete(g.output, k)
	}
}

func (g *goTests) show(k key) {
	if b := g.output[k]; b != nil {
		fmt.Fprint(g.out, b.String())
	}
}

// finish counts a package whose last event this is.
func (g *goTests) finish(e event) {
	var c count
	for k, result := range g.results {
		// A fuzz target's seeds are one test: their number says nothing.
		seed := strings.HasPrefix(k.test, "Fuzz") && strings.Contains(k.test, "/")
		switch {
		case k.pkg != e.Package || seed:
		case g.parents[k] && !strings.HasPrefix(k.test, "Fuzz"):
		case result == "pass":
			c.passed++
		case result == "fail":
			c.failed++
		default:
			c.skipped++
		}
	}
	for k := range g.results {
		if k.pkg == e.Package {
			delete(g.results, k)
		}
	}
	if e.Action == "fail" {
		// Every failed test has been shown; this says what else went wrong,
		// such as a race, a panic or a build that broke.
		g.show(key{pkg: e.Package})
		c.failed = max(c.failed, 1)
	}
	g.total.add(c)
	if e.Action != "skip" { // no test files
		fmt.Fprintf(g.out, "%-4s %-60s %4d tests %7.2f s\n", e.Action, e.Package, c.passed+c.failed, e.Elapsed)
	}
}

var (
	failedPackage = regexp.MustCompile(`(?m)^fail (\S+)`)
	notByChance   = regexp.MustCompile(`(?m)^WARNING: DATA RACE|race detected during execution|^panic: |^fatal error: |\[(build|setup) failed\]`)
)

// failedPackages are those that may have failed by chance: none when anything
// in the output is not.
func failedPackages(output string) []string {
	var packages []string
	if notByChance.MatchString(output) {
		return nil
	}
	for _, m := range failedPackage.FindAllStringSubmatch(output, -1) {
		packages = append(packages, m[1])
	}
	return packages
}
