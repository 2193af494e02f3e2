package admin

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"meetbox.local/appliance/api"
)

// strict reads one JSON document into q. What another reader could understand
// in another way is refused: names that the type does not have, or has in other
// letters, names that come twice, text that is not UTF-8, and anything after it.
func strict(b []byte, q any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(q); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document")
	}
	if !utf8.Valid(b) {
		return errors.New("it is not UTF-8")
	}
	return exact(json.NewDecoder(bytes.NewReader(b)), reflect.TypeOf(q), "")
}

var (
	ownJSON = reflect.TypeFor[json.Unmarshaler]()
	ownText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// exact reads one value of the type, nil for any, and says which name in it is
// there twice, or is none. The document is known to be well-formed.
func exact(d *json.Decoder, t reflect.Type, path string) error {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && (reflect.PointerTo(t).Implements(ownJSON) || reflect.PointerTo(t).Implements(ownText)) {
		t = nil
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for n := 0; d.More(); n++ {
		name := fmt.Sprint(n)
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name = fmt.Sprint(key)
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		inner, known := within(t, name)
		switch {
		case !known:
			return api.FieldErrors{at: "There is no such field."}
		case seen[name]:
			return api.FieldErrors{at: "This is there twice."}
		}
		seen[name] = true
		if err := exact(d, inner, at); err != nil {
			return err
		}
	}
	_, err = d.Token() // the end
	return err
}

// within is the type of what stands in t under the name, and whether there is such.
func within(t reflect.Type, name string) (reflect.Type, bool) {
	if t == nil {
		return nil, true
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return t.Elem(), true
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "" {
				tag = f.Name
			}
			if tag == name && f.IsExported() {
				return f.Type, true
			}
		}
		return nil, false
	default:
		return nil, true
	}
}
