package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meetbox.local/signaling/xmpp/convo"
)

func conversations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	return files
}

func TestConversations(t *testing.T) {
	t.Parallel()
	for _, f := range conversations(t) {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			convo.Play(t, newWorld(t), f)
		})
	}
}

var (
	streamManagement = regexp.MustCompile(`(?m)^\w+: +(cut|resume)`)
	enabling         = regexp.MustCompile(`(?m)^\w+: +enable$`)
	dialling         = regexp.MustCompile(`(?m)^(\w+: +)websocket( \S+)?$`)
)

// TestConversationsOverBOSH: what is said does not depend on what carries it.
// Only resumption belongs to WebSockets.
func TestConversationsOverBOSH(t *testing.T) {
	t.Parallel()
	played := 0
	for _, f := range conversations(t) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if streamManagement.MatchString(text) || !dialling.MatchString(text) {
			continue
		}
		played++
		text = dialling.ReplaceAllString(enabling.ReplaceAllString(text, "#"), "${1}bosh$2")
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			convo.PlayText(t, newWorld(t), f, text)
		})
	}
	if played < 5 {
		t.Errorf("only %d conversations", played)
	}
}
