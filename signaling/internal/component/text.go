package component

import (
	"encoding/xml"
	"fmt"

	"meetbox.local/signaling/internal/xmlscan"
)

func textOf(element []byte) string { return xmlscan.Text(element) }

// decode fills v from children as if they stood in one stanza.
func decode(children, decls []byte, v any) error {
	b := append([]byte(`<x xmlns="jabber:client"`), decls...)
	b = append(append(append(b, '>'), children...), "</x>"...)
	if err := xml.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode presence: %w", err)
	}
	return nil
}
