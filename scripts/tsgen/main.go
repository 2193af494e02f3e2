// Tsgen turns the description of the admin API into TypeScript: an interface
// per schema, and Routes with each route's request and answer.
//
//	go run ./appliance openapi | go run ./scripts/tsgen > web/ui/src/admin/api.ts
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

func main() {
	if err := generate(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tsgen:", err)
		os.Exit(1)
	}
}

type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	Summary     string
	Role        string `json:"x-role"`
	RequestBody body
	Responses   map[string]body
}

type body struct {
	Content map[string]struct{ Schema schema }
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Format               string
	Enum                 []string
	Items                *schema
	Properties           map[string]schema
	Required             []string
	AdditionalProperties json.RawMessage
}

func generate(r io.Reader, w io.Writer) error {
	var d document
	if err := json.NewDecoder(r).Decode(&d); err != nil {
		return fmt.Errorf("not an OpenAPI document: %w", err)
	}
	var b strings.Builder
	b.WriteString("// Made by scripts/tsgen from the appliance's Go types; its own comment says how.\n")
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		if s.Type != "object" || s.Properties == nil {
			fmt.Fprintf(&b, "\nexport type %s = %s;\n", name, s.text())
			continue
		}
		fmt.Fprintf(&b, "\nexport interface %s {\n", name)
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			optional := ""
			if !slices.Contains(s.Required, field) {
				optional = "?"
			}
			fmt.Fprintf(&b, "  %s%s: %s;\n", field, optional, s.Properties[field].text())
		}
		b.WriteString("}\n")
	}
	b.WriteString("\n/** What can be asked of the box: METHOD PATH, who may, what goes in and what comes back. */\nexport interface Routes {\n")
	for _, p := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[p])) {
			op := d.Paths[p][method]
			answer := "undefined"
			for code, resp := range op.Responses {
				if code != "default" {
					answer = resp.text()
				}
			}
			fmt.Fprintf(&b, "  /** %s */\n  '%s %s': { role: '%s'; request: %s; answer: %s };\n",
				op.Summary, strings.ToUpper(method), p, op.Role, op.RequestBody.text(), answer)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (b body) text() string {
	for kind, c := range b.Content {
		if kind != "application/json" {
			return "Blob"
		}
		return c.Schema.text()
	}
	return "undefined"
}

func (s schema) text() string {
	var values schema
	switch {
	case s.Ref != "":
		return path.Base(s.Ref)
	case s.Enum != nil:
		return "'" + strings.Join(s.Enum, "' | '") + "'"
	case s.Type == "array":
		t := s.Items.text()
		if strings.Contains(t, " ") {
			t = "(" + t + ")"
		}
		return t + "[]"
	case s.Type == "object" && json.Unmarshal(s.AdditionalProperties, &values) == nil:
		return "Record<string, " + values.text() + ">"
	case s.Type == "integer":
		return "number"
	case s.Type == "":
		return "unknown"
	}
	return s.Type
}
