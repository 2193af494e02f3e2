package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/appliance/kit/conf"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/unit"
	"meetbox.local/signaling/internal/board"
	"meetbox.local/signaling/internal/c2s"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sasl"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/token"
	"meetbox.local/signaling/internal/upload"
)

// settings are what the appliance renders.
type settings struct {
	Domain      string         `json:"domain"`
	AuthDomain  string         `json:"auth_domain"`
	MUC         string         `json:"muc_domain"`
	InternalMUC string         `json:"internal_muc_domain"`
	Focus       string         `json:"focus_domain"`
	TCP         string         `json:"tcp"`
	Certificate string         `json:"certificate"`
	Key         string         `json:"key"`
	FocusUser   string         `json:"focus_user"`
	Accounts    []sasl.Account `json:"accounts"`

	Users  []sasl.Account `json:"users,omitempty"`  // people
	Tokens []token.Key    `json:"tokens,omitempty"` // keys of JSON Web Tokens
	Rooms  router.Rooms   `json:"rooms,omitzero"`
	Media  router.Media   `json:"media,omitzero"`
	Web    router.Web     `json:"web,omitzero"`
	LAN    string         `json:"lan,omitempty"` // where people's XMPP clients connect; empty: nowhere
}

// fixed is the part that only a new process takes over.
func (s settings) fixed() []string {
	return []string{s.Domain, s.AuthDomain, s.MUC, s.InternalMUC, s.Focus, s.TCP, s.FocusUser, s.LAN}
}

var errFixed = errors.New("addresses have changed; a new process takes them over")

// run serves until ctx ends or something fails for good.
func run(ctx context.Context, u *unit.Unit) error {
	// A meeting's garbage is short-lived and its sessions are many: memory is
	// dearer here than the time of the collector.
	defer saveMemory()()
	runtime.MemProfileRate = 0 // its table is as much as many sessions; the control socket samples on demand
	set, err := conf.Wait[settings](ctx, u.Settings())
	if err != nil {
		return err
	}
	kept, err := store.Open(u.State, u.Log)
	if err != nil {
		return err
	}
	files, err := upload.Open(u.State, u.Log)
	if err != nil {
		return errors.Join(err, kept.Close())
	}
	r, err := router.Open(router.Options{
		Domain: set.Domain, AuthDomain: set.AuthDomain, MUC: set.MUC, InternalMUC: set.InternalMUC,
		Focus: set.Focus, FocusUser: set.FocusUser, Store: kept, Files: files,
	}, filepath.Join(u.Run, "signaling"), u.Log, u.Metrics)
	if err != nil {
		return errors.Join(err, kept.Close(), files.Close())
	}
	u.Handle("GET /events", http.HandlerFunc(r.ServeEvents))
	for pattern, page := range files.Pages() {
		u.Handle(pattern, page)
	}
	srv := c2s.New(r, c2s.DefaultLimits(), u.Log)
	srv.Boards = board.New(r, board.DefaultLimits(), u.Metrics, u.Log)
	var certificate atomic.Pointer[tls.Certificate]
	if err := apply(set, srv, &certificate); err != nil {
		return errors.Join(err, r.Close(), kept.Close(), files.Close())
	}
	err = serve(ctx, u, set, srv, &certificate)
	return errors.Join(err, r.Close(), kept.Close(), files.Close())
}

// apply takes over what may change while running.
func apply(set settings, srv *c2s.Server, certificate *atomic.Pointer[tls.Certificate]) error {
	c, err := tls.LoadX509KeyPair(set.Certificate, set.Key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	certificate.Store(&c)
	keys, err := token.New(set.Domain, set.Tokens)
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	config := router.Config{Rooms: set.Rooms, Media: set.Media, Web: set.Web}
	for _, a := range set.Users {
		config.Users = append(config.Users, a.User)
	}
	if err := srv.Router.Configure(config); err != nil {
		return err
	}
	srv.Router.Files.SetRules(upload.Rules{
		Bytes: set.Rooms.FileBytes, Quota: set.Rooms.FileQuota, Life: time.Duration(set.Rooms.FileHours) * time.Hour,
	})
	srv.SetAccounts(sasl.NewAccounts(set.AuthDomain, set.Accounts))
	srv.SetUsers(sasl.NewAccounts(set.Domain, set.Users))
	srv.SetTokens(keys)
	return nil
}

func serve(parent context.Context, u *unit.Unit, set settings, srv *c2s.Server, certificate *atomic.Pointer[tls.Certificate]) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	socket, err := ctl.Listen(u.Socket("signaling"))
	if err != nil {
		return err
	}
	address := set.TCP
	if set.LAN != "" {
		address = set.LAN // the loopback's too; the box's own accounts log in from there only
	}
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(fmt.Errorf("accounts: %w", err), socket.Close())
	}
	var wg sync.WaitGroup
	wg.Go(func() { cancel(srv.Router.Run(ctx)) })
	wg.Go(func() { cancel(srv.Router.Store.Run(ctx)) })
	wg.Go(func() { cancel(srv.Router.Files.Run(ctx)) })
	wg.Go(func() {
		cancel(srv.ServeTCP(ctx, tcp, &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Load(), nil },
		}))
	})
	wg.Go(func() { cancel(srv.ServeWeb(ctx, socket)) })
	wg.Go(func() { cancel(watch(ctx, u, set, srv, certificate)) })
	debug.FreeOSMemory() // what only the start has needed
	u.SetHealth(true, "serving "+set.Domain)
	u.Log.Info("serving", "domain", set.Domain, "tcp", tcp.Addr().String())
	<-ctx.Done()
	wg.Wait()
	srv.Wait() // the connections; their clients resume with the next process
	return context.Cause(ctx)
}

// watch takes over settings that have changed. Bad ones leave the old running.
func watch(ctx context.Context, u *unit.Unit, set settings, srv *c2s.Server, certificate *atomic.Pointer[tls.Certificate]) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-u.Reload:
		}
		next, err := conf.Load[settings](u.Settings())
		if err == nil && !slices.Equal(next.fixed(), set.fixed()) {
			return errFixed
		}
		if err == nil {
			err = apply(next, srv, certificate)
		}
		if err != nil {
			u.Log.Error("settings refused, the old ones stay", "err", err)
			continue
		}
		u.Log.Info("settings taken over")
	}
}
