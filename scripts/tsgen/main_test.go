package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCurrent: the console's types say what the appliance does.
func TestCurrent(t *testing.T) {
	t.Parallel()
	const file = "../../web/ui/src/admin/api.ts"
	cmd := exec.CommandContext(t.Context(), "go", "run", "./appliance", "openapi")
	cmd.Dir, cmd.Stderr = "../..", os.Stderr
	doc, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := generate(bytes.NewReader(doc), &want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), string(got)); d != "" {
		t.Errorf("%s is not current; go run ./appliance openapi | go run ./scripts/tsgen > web/ui/src/admin/api.ts\n%s", file, d)
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	const in = `{"paths":{"/api/v1/x":{"put":{"summary":"Sets x.","x-role":"admin",
		"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/X"}}}},
		"responses":{"204":{"description":"done"},"default":{"content":{"application/problem+json":{}}}}}}},
		"components":{"schemas":{
			"Kind":{"type":"string","enum":["a","b"]},
			"X":{"type":"object","required":["kinds"],"additionalProperties":false,"properties":{
				"kinds":{"type":"array","items":{"$ref":"#/components/schemas/Kind"}},
				"by_name":{"type":"object","additionalProperties":{"type":"integer"}},
				"any":{}}}}}}`
	var out strings.Builder
	if err := generate(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"export type Kind = 'a' | 'b';",
		"  any?: unknown;\n  by_name?: Record<string, number>;\n  kinds: Kind[];\n",
		"'PUT /api/v1/x': { role: 'admin'; request: X; answer: undefined };",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := generate(strings.NewReader("nonsense"), &out); err == nil {
		t.Error("nonsense has no error")
	}
}
