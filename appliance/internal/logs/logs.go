// Package logs reads what the services printed last: two files for each, the
// one being written and the one before it.
//
// It only reads, and never more than a bounded end of a file.
package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"meetbox.local/appliance/api"
)

// most is what is read of a file, from its end.
const most = 1 << 20

// Filter is which lines are wanted.
type Filter struct {
	Services []string // in one of these
	Level    string   // at least so bad; "" all
	Text     string   // with this in it, in any case
	Since    time.Time
	Limit    int
}

var levels = []string{"DEBUG", "INFO", "WARN", "ERROR"}

// Level says whether the text is a level.
func Level(s string) bool { return slices.Contains(levels, s) }

// Tail returns the last lines that fit, the oldest first. The folder has
// NAME.log and NAME.log.old; one that is not there has no lines.
func Tail(folder *os.Root, f Filter) (out api.Log, err error) {
	for _, s := range f.Services {
		var last time.Time
		for _, name := range []string{s + ".log.old", s + ".log"} {
			b, err := end(folder, name)
			if err != nil {
				return out, err
			}
			for line := range bytes.Lines(b) {
				l := parse(s, strings.TrimRight(string(line), "\r\n"))
				if l.At.IsZero() {
					l.At = last // a part of what was said before
				}
				last = l.At
				if f.wants(l) {
					out.Lines = append(out.Lines, l)
				}
			}
		}
	}
	slices.SortStableFunc(out.Lines, func(a, b api.LogLine) int { return a.At.Compare(b.At) })
	if n := len(out.Lines); n > f.Limit {
		out.Lines, out.More = out.Lines[n-f.Limit:], true
	}
	return out, nil
}

// end reads the end of a file, from the beginning of a line.
func end(folder *os.Root, name string) ([]byte, error) {
	file, err := folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	cut := info.Size() > most
	if cut {
		if _, err := file.Seek(-most, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	b, err := io.ReadAll(io.LimitReader(file, most))
	if i := bytes.IndexByte(b, '\n'); cut && i >= 0 {
		b = b[i+1:]
	}
	return b, err
}

func (f Filter) wants(l api.LogLine) bool {
	return slices.Index(levels, l.Level) >= slices.Index(levels, f.Level) &&
		(f.Text == "" || strings.Contains(strings.ToLower(l.Text), strings.ToLower(f.Text))) &&
		!l.At.Before(f.Since)
}

// parse reads a line as slog writes it; any other line is text.
func parse(service, line string) api.LogLine {
	// The process runner of a developer's machine wraps each line in JSON.
	var wrapped struct{ Message string }
	if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &wrapped) == nil && wrapped.Message != "" {
		line = wrapped.Message
	}
	l := api.LogLine{Service: service, Text: line}
	rest := line
	at, rest, ok := strings.Cut(strings.TrimPrefix(rest, "time="), " level=")
	if !ok {
		return l
	}
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return l
	}
	level, rest, _ := strings.Cut(rest, " ")
	rest = strings.TrimPrefix(rest, "msg=")
	if q, err := strconv.QuotedPrefix(rest); err == nil {
		if msg, err := strconv.Unquote(q); err == nil {
			rest = msg + rest[len(q):]
		}
	}
	l.At, l.Level, l.Text = t.UTC(), level, strings.Replace(rest, " service="+service, "", 1)
	return l
}
