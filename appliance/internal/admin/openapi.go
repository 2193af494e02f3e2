package admin

import (
	"encoding"
	"encoding/json"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strings"
	"time"

	"meetbox.local/appliance/api"
)

type object = map[string]any

// OpenAPI describes the routes (OpenAPI 3.1). The schemas come from the Go
// types, so that the document cannot say anything else than the code does.
func OpenAPI(routes []Route, version string) []byte {
	s := schemas{}
	s.of(reflect.TypeFor[api.Problem]())
	paths := object{}
	for _, r := range routes {
		if !strings.HasPrefix(r.Path, "/api/v1/") {
			continue
		}
		p, ok := paths[r.Path].(object)
		if !ok {
			p = object{}
			paths[r.Path] = p
		}
		p[strings.ToLower(r.Method)] = s.operation(r)
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "Meetbox",
			"version":     version,
			"description": "Everything that the console does. Errors are application/problem+json.",
		},
		"paths": paths,
		"components": object{
			"schemas": s,
			"securitySchemes": object{
				"session": object{"type": "apiKey", "in": "cookie", "name": Cookie},
				"token":   object{"type": "http", "scheme": "bearer"},
			},
		},
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // maps of texts always encode
	}
	return append(b, '\n')
}

// parameter finds the {names} in a path.
var parameter = regexp.MustCompile(`\{(\w+)(?:\.\.\.)?\}`)

func (s schemas) operation(r Route) object {
	op := object{"summary": r.Doc, "tags": []string{r.topic()}, "x-role": r.Role.String()}
	if r.Role > api.Nobody {
		op["security"] = []object{{"session": []string{}}, {"token": []string{}}}
		if r.Person {
			op["security"] = []object{{"session": []string{}}}
		}
	}
	var params []object
	for _, m := range parameter.FindAllStringSubmatch(r.Path, -1) {
		params = append(params, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	if params != nil {
		op["parameters"] = params
	}
	switch {
	case r.Upload != "":
		op["requestBody"] = object{"required": true, "content": object{r.Upload: object{"schema": object{"type": "string", "format": "binary"}}}}
	case r.Request != nil && r.Request != reflect.TypeFor[None]():
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(r.Request)}}}
	}
	good := object{"description": "done"}
	code := "200"
	switch {
	case r.Download != "":
		good["content"] = object{r.Download: object{"schema": object{"type": "string", "format": "binary"}}}
	case r.Answer == reflect.TypeFor[None]():
		code = "204"
	default:
		good["content"] = object{"application/json": object{"schema": s.of(r.Answer)}}
	}
	op["responses"] = object{
		code:      good,
		"default": object{"description": http.StatusText(http.StatusBadRequest) + ", or another problem", "content": object{"application/problem+json": object{"schema": s.of(reflect.TypeFor[api.Problem]())}}},
	}
	return op
}

// schemas are the named types met so far.
type schemas map[string]any

// enum is a type whose texts are known.
type enum interface{ Values() []string }

func (s schemas) of(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	zero := reflect.New(t).Interface()
	switch v := zero.(type) {
	case enum:
		return s.named(t, func() object { return object{"type": "string", "enum": v.Values()} })
	case *time.Time:
		return object{"type": "string", "format": "date-time"}
	case *json.RawMessage:
		return object{}
	case encoding.TextMarshaler:
		return object{"type": "string", "format": strings.ToLower(path.Base(t.PkgPath()) + "-" + t.Name())}
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.named(t, func() object { return s.structure(t) })
	case reflect.Interface:
		return object{}
	default:
		return object{"type": "integer"}
	}
}

func (s schemas) named(t reflect.Type, make func() object) object {
	if t.Name() == "" {
		return make()
	}
	if _, ok := s[t.Name()]; !ok {
		s[t.Name()] = object{} // a type may contain itself
		s[t.Name()] = make()
	}
	return object{"$ref": "#/components/schemas/" + t.Name()}
}

func (s schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for f := range t.Fields() {

		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		properties[name] = s.of(f.Type)
		if !strings.Contains(rest, "omit") {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
