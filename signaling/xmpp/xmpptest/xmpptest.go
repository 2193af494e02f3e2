// Package xmpptest is for tests of vocabularies: one table row holds a value
// and its text, and RoundTrip runs it both ways.
package xmpptest

import (
	"encoding/xml"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Row is one value and how it is written.
type Row struct {
	Name  string
	Value any      // a pointer
	Text  string   // as Marshal writes it
	Also  []string // other spellings that read as the same value
}

// RoundTrip checks that each value is written as its text, and that the text
// and its other spellings read as the value. XMLName need not be filled in.
func RoundTrip(t *testing.T, rows []Row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.Name, func(t *testing.T) {
			b, err := xml.Marshal(r.Value)
			if err != nil {
				t.Fatalf("Marshal(%+v): %v", r.Value, err)
			}
			if string(b) != r.Text {
				t.Errorf("Marshal:\n got %s\nwant %s", b, r.Text)
			}
			for _, text := range append([]string{r.Text}, r.Also...) {
				got := reflect.New(reflect.TypeOf(r.Value).Elem()).Interface()
				if err := xml.Unmarshal([]byte(text), got); err != nil {
					t.Errorf("Unmarshal(%s): %v", text, err)
					continue
				}
				if d := cmp.Diff(r.Value, got, cmp.FilterPath(isName, cmp.Ignore())); d != "" {
					t.Errorf("Unmarshal(%s) (-want +got):\n%s", text, d)
				}
			}
		})
	}
}

// isName tells whether a path ends at the XMLName of a struct that declares
// its name in a tag: that one is filled in by reading, not by writing.
func isName(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	if !ok || f.Name() != "XMLName" {
		return false
	}
	parent := p.Index(-2).Type()
	if parent.Kind() == reflect.Pointer {
		parent = parent.Elem()
	}
	sf, ok := parent.FieldByName("XMLName")
	return ok && sf.Tag.Get("xml") != ""
}
