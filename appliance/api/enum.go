package api

import (
	"fmt"
	"slices"
	"strings"
)

// marshalName is the name of value n, counted from one.
func marshalName(names []string, n uint8) ([]byte, error) {
	if n < 1 || int(n) > len(names) {
		return nil, fmt.Errorf("no name for %d; there are %s", n, strings.Join(names, ", "))
	}
	return []byte(names[n-1]), nil
}

// unmarshalName is the value, counted from one, that the name stands for.
func unmarshalName(names []string, b []byte) (uint8, error) {
	i := slices.Index(names, string(b))
	if i < 0 {
		return 0, fmt.Errorf("unknown %q; there are %s", b, strings.Join(names, ", "))
	}
	return uint8(i + 1), nil
}
