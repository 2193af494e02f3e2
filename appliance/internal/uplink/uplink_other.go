//go:build !linux

package uplink

import (
	"context"
	"log/slog"
)

// Run works on the box only.
func Run(_ context.Context, log *slog.Logger) { log.Error("network: only on Linux") }
