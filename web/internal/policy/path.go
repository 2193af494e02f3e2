package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRoom bounds a room's name in a path, in bytes: the JID's local part,
// which it becomes, has at most 1023 (RFC 7622 §3.3).
const maxRoom = 1023

// Room returns the room's name in the decoded path of a request, "" for the
// start page. ok is false for what no room can be called: traversal in any
// spelling, control characters, bytes that are not UTF-8, overlong names.
func Room(path string) (room string, ok bool) {
	room, found := strings.CutPrefix(path, "/")
	if !found || len(room) > maxRoom || !utf8.ValidString(room) {
		return "", false
	}
	for _, r := range room {
		if unicode.IsControl(r) || r == '\\' || r == utf8.RuneError {
			return "", false
		}
	}
	for part := range strings.SplitSeq(room, "/") {
		if part == "." || part == ".." {
			return "", false
		}
	}
	return room, true
}
