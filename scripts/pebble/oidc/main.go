// Oidc is a provider of OpenID Connect with two people, for tests: zitadel's
// library with its example's pages, over TLS, and with groups.
//
//	oidc -listen 127.0.0.1:PORT -cert FILE -key FILE -redirect https://…
//
// The client is "meetbox" with the secret "between us". Of the people, ada
// (group meetbox-admins) and ben (group visitors) have the password
// "verysecure".
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

type users map[string]*storage.User

// GetUserByID implements [storage.UserStore].
func (u users) GetUserByID(id string) *storage.User { return u[id] }

// GetUserByUsername implements [storage.UserStore].
func (u users) GetUserByUsername(name string) *storage.User { return u[name] }

// ExampleClientID implements [storage.UserStore].
func (u users) ExampleClientID() string { return "service" }

// grouped adds the claim "groups".
type grouped struct{ *storage.Storage }

var groups = map[string][]string{"ada": {"staff", "meetbox-admins"}, "ben": {"visitors"}}

// SetUserinfoFromScopes implements [op.Storage]: what stands in the ID token.
func (g grouped) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest is the same for newer callers.
func (g grouped) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, token op.IDTokenRequest, _ []string) error {
	info.Subject, info.PreferredUsername = token.GetSubject(), token.GetSubject()
	info.AppendClaims("groups", groups[token.GetSubject()])
	return nil
}

// SetUserinfoFromToken implements [op.Storage]: what the provider answers
// when it is asked.
func (g grouped) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := g.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	info.Subject, info.GivenName = subject, strings.ToUpper(subject[:1])+subject[1:]
	info.AppendClaims("groups", groups[subject])
	return nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9998", "")
	cert, key := flag.String("cert", "", ""), flag.String("key", "", "")
	redirect := flag.String("redirect", "https://localhost:8444/signed-in", "addresses of the console, with commas between")
	flag.Parse()
	people := users{}
	for name := range groups {
		people[name] = &storage.User{ID: name, Username: name, Password: "verysecure", FirstName: strings.ToUpper(name[:1]) + name[1:]}
	}
	storage.RegisterClients(storage.WebClient("meetbox", "between us", strings.Split(*redirect, ",")...))
	_, port, _ := strings.Cut(*listen, ":")
	issuer := "https://localhost:" + port
	handler := exampleop.SetupServer(issuer, grouped{storage.NewStorage(people)}, slog.Default(), false)
	srv := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(srv.ListenAndServeTLS(*cert, *key))
}
