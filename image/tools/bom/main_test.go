package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestGuess(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Permission is hereby granted, free of\ncharge, to any person obtaining a copy": "MIT",
		"Apache License\n   Version 2.0, January 2004":                                  "Apache-2.0",
		"Redistributions in binary form must reproduce the above":                       "BSD-2-Clause",
		"Redistributions in binary form must reproduce\nNeither the name of Google":     "BSD-3-Clause",
		"all rights reserved": "NOASSERTION",
	} {
		if got := guess(text); got != want {
			t.Errorf("guess(%q) = %s, want %s", text, got, want)
		}
	}
}

// The same parts give the same document, other parts another number; every
// reference has its component.
func TestDocument(t *testing.T) {
	t.Parallel()
	at := time.Unix(1767225600, 0)
	parts := []part{
		{kind: "library", name: "example.org/a", version: "v1.0.0", url: "pkg:golang/example.org/a@v1.0.0", licence: "MIT", in: []string{"web", "init"}},
		{kind: "operating-system", name: "linux", version: "7.1", licence: "GPL-2.0-only"},
	}
	a, b := document("v1", at, parts), document("v1", at, parts)
	ja, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if jb, err := json.Marshal(b); err != nil || string(ja) != string(jb) {
		t.Errorf("two documents of the same parts differ: %v", err)
	}
	parts[0].version = "v1.0.1"
	if c := document("v1", at, parts); c.Serial == a.Serial || !strings.HasPrefix(a.Serial, "urn:uuid:") {
		t.Errorf("serial numbers %q and %q", a.Serial, c.Serial)
	}
	refs := map[string]bool{"meetbox": true}
	for _, c := range a.Components {
		refs[c.Ref] = true
	}
	if len(a.Dependencies) != 3 {
		t.Errorf("dependencies %v, want those of the image and of two programs", a.Dependencies)
	}
	for _, d := range a.Dependencies {
		for _, ref := range append(d.DependsOn, d.Ref) {
			if !refs[ref] {
				t.Errorf("%q is no component", ref)
			}
		}
	}
}
