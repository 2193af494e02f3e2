// Bom lists what the image is made of: an SBOM (CycloneDX 1.5, JSON) and the
// texts of all licences.
//
//	bom -version v1 -time 1767225600 -sbom sbom.cdx.json -licences licences.txt
//
// It runs in the repository's top folder. The Go modules are those that the go
// command links into the programs named in image/box/config.json; the npm
// packages those that the pages are built from.
package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// part is one thing that somebody made and we ship.
type part struct {
	kind, name, version, url string
	licence                  string   // SPDX; empty: found out from the texts
	folder                   string   // with its licence texts
	files                    []string // or these
	in                       []string // programs
}

func main() {
	var extra []part
	version := flag.String("version", "unknown", "of the image")
	seconds := flag.Int64("time", 0, "`seconds` since 1970 that the image gets")
	sbom := flag.String("sbom", "sbom.cdx.json", "`file` to write")
	licences := flag.String("licences", "licences.txt", "`file` to write")
	flag.Func("part", "`KIND,NAME,VERSION,LICENCE,FILE` that is not from Go or npm (any number of times)", func(s string) error {
		f := strings.SplitN(s, ",", 5)
		if len(f) != 5 {
			return errors.New("want five fields")
		}
		extra = append(extra, part{kind: f[0], name: f[1], version: f[2], licence: f[3], files: []string{f[4]}})
		return nil
	})
	flag.Parse()
	if err := run(*version, time.Unix(*seconds, 0).UTC(), *sbom, *licences, extra); err != nil {
		fmt.Fprintln(os.Stderr, "bom:", err)
		os.Exit(1)
	}
}

func run(version string, at time.Time, sbom, licences string, parts []part) error {
	programs, err := modules()
	if err != nil {
		return err
	}
	pages, err := npm()
	if err != nil {
		return err
	}
	parts = slices.Concat(parts, programs, pages)
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
	})
	var text strings.Builder
	text.WriteString("What the image is made of, and under which licences.\n")
	for i, p := range parts {
		t, err := p.texts()
		if err != nil {
			return err
		}
		if p.licence == "" {
			parts[i].licence = guess(t)
		}
		fmt.Fprintf(&text, "\n%s\n%s %s (%s)\n\n%s\n", strings.Repeat("=", 72), p.name, p.version, parts[i].licence, strings.TrimSpace(t))
	}
	b, err := json.MarshalIndent(document(version, at, parts), "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(sbom, append(b, '\n'), 0o644), os.WriteFile(licences, []byte(text.String()), 0o644))
}

// modules are those linked into the programs, each once with all programs
// that it is in.
func modules() ([]part, error) {
	b, err := os.ReadFile("image/box/config.json")
	if err != nil {
		return nil, err
	}
	var config struct{ Packages []string }
	if err := json.Unmarshal(b, &config); err != nil {
		return nil, err
	}
	found := map[string]part{}
	add := func(folder, pkg, program string) error {
		cmd := exec.Command("go", "list", "-deps", "-tags", "gokrazy,netgo,osusergo", "-f", "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}\t{{.Main}}{{end}}", pkg)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("go list %s: %w", pkg, err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSpace(line), "\t")
			if len(f) != 4 || f[3] == "true" {
				continue
			}
			key := f[0] + "@" + f[1]
			p, ok := found[key]
			if !ok {
				p = part{kind: "library", name: f[0], version: f[1], url: "pkg:golang/" + key, folder: f[2]}
			}
			if !slices.Contains(p.in, program) {
				p.in = append(p.in, program)
			}
			found[key] = p
		}
		return nil
	}
	var programs []string
	for _, pkg := range config.Packages {
		name := pkg[strings.LastIndex(pkg, "/")+1:]
		programs = append(programs, name)
		if err := add(".", pkg, name); err != nil {
			return nil, err
		}
	}
	if err := add("image/init", ".", "init"); err != nil {
		return nil, err
	}
	out := slices.Collect(maps.Values(found))
	goroot, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(goroot)), "\n")
	version = strings.TrimPrefix(version, "go")
	return append(out, part{
		kind: "library", name: "std", version: version, url: "pkg:golang/std@" + version, licence: "BSD-3-Clause",
		files: []string{filepath.Join(root, "LICENSE")}, in: append(programs, "init"),
	}), nil
}

// npm are the packages in the pages, not those that only build or test them.
func npm() ([]part, error) {
	const ui = "web/ui"
	b, err := os.ReadFile(filepath.Join(ui, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License    string
			Dev, Optional, Link bool
		}
	}
	if err := json.Unmarshal(b, &lock); err != nil {
		return nil, err
	}
	var out []part
	for path, p := range lock.Packages {
		i := strings.LastIndex(path, "node_modules/")
		if i < 0 || p.Dev || p.Link { // a link is to a part of this repository
			continue
		}
		folder := filepath.Join(ui, path)
		if _, err := os.Stat(folder); p.Optional && errors.Is(err, fs.ErrNotExist) {
			continue // for other systems than the one that builds
		}
		name := path[i+len("node_modules/"):]
		out = append(out, part{
			kind: "library", name: name, version: p.Version, url: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version,
			licence: p.License, folder: folder, in: []string{"web"},
		})
	}
	return out, nil
}

// texts are the part's licence files, one after the other.
func (p part) texts() (string, error) {
	names := p.files
	if p.folder != "" {
		list, err := os.ReadDir(p.folder)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		for _, e := range list {
			up := strings.ToUpper(e.Name())
			if e.Type().IsRegular() && (strings.HasPrefix(up, "LICEN") || strings.HasPrefix(up, "COPYING") || strings.HasPrefix(up, "NOTICE") || strings.HasPrefix(up, "PATENTS")) {
				names = append(names, filepath.Join(p.folder, e.Name()))
			}
		}
	}
	if len(names) == 0 {
		if p.licence == "" {
			return "", fmt.Errorf("%s %s: no licence in %s", p.name, p.version, p.folder)
		}
		return "The package has no text of its own; its licence is " + p.licence + ".", nil
	}
	var out []string
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		out = append(out, strings.TrimSpace(string(b)))
	}
	return strings.Join(out, "\n\n"), nil
}

// guess knows the licences by sentences that no other has.
func guess(text string) string {
	t := strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ id, sentence string }{
		{"Apache-2.0", "Apache License Version 2.0"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"BSD-3-Clause", "Neither the name of"},
		{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
		{"BSD-1-Clause", "Redistributions of source code must retain"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
		{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
		{"GPL-2.0-only", "GNU GENERAL PUBLIC LICENSE Version 2"},
	} {
		if strings.Contains(strings.ToLower(t), strings.ToLower(l.sentence)) {
			return l.id
		}
	}
	return "NOASSERTION"
}

type component struct {
	Type       string       `json:"type"`
	Ref        string       `json:"bom-ref"`
	Name       string       `json:"name"`
	Version    string       `json:"version"`
	Licences   []licence    `json:"licenses,omitempty"`
	PackageURL string       `json:"purl,omitempty"`
	Properties []properties `json:"properties,omitempty"`
}

type licence struct {
	Licence struct {
		ID   string `json:"id,omitempty"`
		Name string `json:"name,omitempty"`
	} `json:"license"`
}

type properties struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

// document is the SBOM: the image, the programs in it, and what is in those.
func document(version string, at time.Time, parts []part) bom {
	image := component{Type: "operating-system", Ref: "meetbox", Name: "meetbox", Version: version}
	out := bom{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{at.Format(time.RFC3339), image}}
	uses := map[string][]string{}
	for _, p := range parts {
		ref := cmp.Or(p.url, p.name+"@"+p.version)
		c := component{Type: p.kind, Ref: ref, Name: p.name, Version: p.version, PackageURL: p.url}
		var l licence
		if l.Licence.ID = p.licence; p.licence == "NOASSERTION" || strings.HasPrefix(p.licence, "LicenseRef-") || strings.Contains(p.licence, " ") {
			l.Licence.ID, l.Licence.Name = "", p.licence
		}
		c.Licences = []licence{l}
		for _, program := range p.in {
			uses[program] = append(uses[program], ref)
			c.Properties = append(c.Properties, properties{"meetbox:program", program})
		}
		if len(p.in) == 0 {
			uses[image.Ref] = append(uses[image.Ref], ref)
		}
		out.Components = append(out.Components, c)
	}
	for _, program := range slices.Sorted(maps.Keys(uses)) {
		if program == image.Ref {
			continue
		}
		out.Components = append(out.Components, component{Type: "application", Ref: program, Name: program, Version: version})
		uses[image.Ref] = append(uses[image.Ref], program)
	}
	for _, ref := range slices.Sorted(maps.Keys(uses)) {
		out.Dependencies = append(out.Dependencies, dependency{ref, uses[ref]})
	}
	// A number that is the same for the same contents.
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // only strings and numbers
	}
	h := sha256.Sum256(b)
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, RFC 9562
	out.Serial = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
	return out
}
