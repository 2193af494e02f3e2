package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Only a system on trial is ended, and only unless it is confirmed in time.
func TestTrial(t *testing.T) {
	t.Parallel()
	confirmed := filepath.Join(t.TempDir(), "confirmed")
	if err := os.WriteFile(confirmed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, cmdline, file string
		want                bool
	}{
		{"not on trial", "ro quiet", "/none", false},
		{"another word", "ro meetbox.trials", "/none", false},
		{"never confirmed", "ro " + onTrial + "\n", "/none", true},
		{"confirmed", "ro " + onTrial, confirmed, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			if got := trial(ctx, tc.cmdline, tc.file, trialTime); got != tc.want {
				t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
			}
		})
	}
}
