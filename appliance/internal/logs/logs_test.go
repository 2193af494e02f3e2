package logs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"web.log.old": "time=2026-11-22T10:00:00.000Z level=INFO msg=first service=web\n",
		"web.log": "time=2026-11-22T10:00:02.000Z level=WARN msg=\"backend \\\"x\\\" failed\" service=web peer=focus\n" +
			"goroutine 1 [running]:\n",
		"focus.log": `{"level":"info","process":"focus","message":"time=2026-11-22T10:00:01.000Z level=DEBUG msg=between service=focus room=standup"}` + "\r\n",
		"other.log": "time=2026-11-22T10:00:01.000Z level=ERROR msg=secret\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	both := []string{"web", "focus", "signaling"}
	for _, tc := range []struct {
		name string
		f    Filter
		want string
	}{
		{"all", Filter{Services: both, Limit: 10}, "first|between room=standup|backend \"x\" failed peer=focus|goroutine 1 [running]:"},
		{"bad ones", Filter{Services: both, Level: "WARN", Limit: 10}, "backend \"x\" failed peer=focus"},
		{"with a text", Filter{Services: both, Text: "STANDUP", Limit: 10}, "between room=standup"},
		{"since", Filter{Services: both, Since: time.Date(2026, 11, 22, 10, 0, 1, 0, time.UTC), Limit: 10}, "between room=standup|backend \"x\" failed peer=focus|goroutine 1 [running]:"},
		{"the last", Filter{Services: both, Limit: 1}, "goroutine 1 [running]:"},
		{"one service", Filter{Services: []string{"focus"}, Limit: 10}, "between room=standup"},
	} {
		got, err := Tail(root, tc.f)
		var texts []string
		for _, l := range got.Lines {
			texts = append(texts, l.Text)
		}
		if s := strings.Join(texts, "|"); err != nil || s != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.name, s, err, tc.want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "web.log"), []byte(strings.Repeat("x\n", most)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Tail(root, Filter{Services: both, Limit: 7}); err != nil || len(got.Lines) != 7 || !got.More {
		t.Errorf("a large log: %d lines, more %v, %v", len(got.Lines), got.More, err)
	}
	if _, err := Tail(root, Filter{Services: []string{"../../etc/passwd"}, Limit: 7}); err == nil {
		t.Error("a name led out of the folder")
	}
}
