package main

import (
	"path/filepath"
	"strings"
	"testing"

	"meetbox.local/signaling/internal/convo"
)

func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			convo.Play(t, newWorld(t), f)
		})
	}
}
