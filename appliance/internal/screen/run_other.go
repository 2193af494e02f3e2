//go:build !linux

package screen

import (
	"context"
	"log/slog"
)

// Run works on the box only.
func Run(_ context.Context, _ func(context.Context) Page, _ Actions, log *slog.Logger) {
	log.Error("screen: only on Linux")
}
