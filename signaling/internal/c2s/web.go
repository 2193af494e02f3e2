package c2s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"meetbox.local/signaling/internal/board"
	"meetbox.local/signaling/internal/upload"
)

// WebSocketPath is where clients connect, as Jitsi's expect it.
const WebSocketPath = "/xmpp-websocket"

// ServeWeb serves clients that come through the web process, until ctx ends.
// Their connections end with ctx too, so that clients resume elsewhere.
func (s *Server) ServeWeb(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle(WebSocketPath, s.Handler(ctx))
	mux.Handle(BOSHPath, s.BOSH(ctx))
	if s.Router.Files != nil {
		mux.Handle(upload.Path, s.Router.Files)
	}
	if s.Boards != nil {
		mux.Handle(board.Path, s.Boards.Handler(ctx))
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web: %w", err)
	}
	return context.Cause(ctx)
}
