package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"aead.dev/minisign"
	"github.com/golang-jwt/jwt/v5"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/bundle"
	"meetbox.local/appliance/internal/meetings"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/slots"
	"meetbox.local/appliance/internal/update"
	"meetbox.local/appliance/kit/ctl"
)

const (
	// keysDir has the public keys that came with the system.
	keysDir = "/etc/meetbox/keys"
	// updateDir, below the state folder, is the updates' own.
	updateDir = "update"
	// confirmedFile tells process 1 that a system on trial is confirmed.
	confirmedFile = "/run/confirmed"
	// wellTime is what a service may take to say how it is.
	wellTime = 15 * time.Second
	// callTime is what a call to itself may take, on a slow and busy machine.
	callTime = 90 * time.Second
)

// counter is set by the linker for an image: it grows with each release.
var counter string

func running() api.Release {
	r := api.Release{Version: version()}
	if n, err := strconv.ParseUint(counter, 10, 64); err == nil {
		r.Counter = n
	}
	return r
}

// newUpdates makes the part that brings in new versions. What is wrong with
// it is said, but no reason not to serve meetings.
func (d *daemon) newUpdates() (*update.Manager, error) {
	dir := filepath.Join(d.u.State, updateDir)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	c := update.Config{
		Dir: root, Running: running(), Log: d.log,
		Healthy: d.allWell,
		Call:    d.callWorks,
		People: func(ctx context.Context) (int, error) {
			now, err := meetings.Now(ctx, d.control)
			return now.People, err
		},
		// Process 1 stops the services first.
		Restart:   func() error { return syscall.Kill(1, syscall.SIGTERM) },
		Free:      func() (int64, error) { return update.Free(dir) },
		Confirmed: func() error { return os.WriteFile(confirmedFile, nil, 0o600) },
	}
	if d.machine != nil {
		if c.Disk, err = slots.Open(); err != nil {
			d.log.Error("no updates on this disk", "err", err)
		}
		c.Keys = d.updateKeys()
	}
	return update.New(c), nil
}

// updateKeys are those of the system, and those that the owner of the disk
// added.
func (d *daemon) updateKeys() []minisign.PublicKey {
	var texts []string
	names, err := filepath.Glob(filepath.Join(keysDir, "*.pub"))
	for _, name := range names {
		b, rerr := os.ReadFile(name)
		err = errors.Join(err, rerr)
		texts = append(texts, string(b))
	}
	if err != nil {
		d.log.Error("keys of updates", "err", err)
	}
	texts = append(texts, strings.Fields(strings.ReplaceAll(os.Getenv("MEETBOX_UPDATE_KEYS"), ",", " "))...)
	var keys []minisign.PublicKey
	for _, t := range texts {
		k, err := bundle.ParseKey(t)
		if err != nil {
			d.log.Error("key of updates left out", "err", err)
			continue
		}
		keys = append(keys, k)
	}
	return keys
}

// allWell is an error that names the services that are not. On a busy machine
// an answer may take its time; what is asked for here is worth waiting.
func (d *daemon) allWell(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wellTime)
	defer cancel()
	errs := make([]error, len(services))
	var wg sync.WaitGroup
	for i, name := range services {
		wg.Go(func() {
			h, err := ctl.Ask(ctx, d.control(name))
			switch {
			case err != nil:
				errs[i] = fmt.Errorf("the service %s does not run, or does not answer", name)
			case !h.OK:
				errs[i] = fmt.Errorf("the service %s is not well: %s", name, h.Detail)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// callWorks is the call to itself as a yes or no.
func (d *daemon) callWorks(ctx context.Context) error {
	r, err := d.selfCall(ctx)
	if err == nil && !r.OK {
		err = errors.New(r.Error)
	}
	if err != nil {
		return fmt.Errorf("the call to itself failed: %w", err)
	}
	return nil
}

// callToken is an invitation into any room for a few minutes: guests may not
// be allowed to begin a meeting.
func (d *daemon) callToken() (string, error) {
	secret, err := d.store.TokenSecret()
	if err != nil {
		return "", err
	}
	now := d.now()
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": api.BoxKey, "aud": "jitsi", "sub": "*", "room": "*",
		"nbf": now.Add(-callTime).Unix(), "exp": now.Add(2 * callTime).Unix(),
		"context": map[string]any{"user": map[string]any{"name": "selfcall", "moderator": true}},
	})
	t.Header["kid"] = api.BoxKey
	return t.SignedString([]byte(secret))
}

// selfCall runs the program beside this one, on the box as a user of its own;
// one at a time.
func (d *daemon) selfCall(ctx context.Context) (r api.SelfCall, err error) {
	if !d.calling.TryLock() {
		return r, api.Problem{Status: http.StatusConflict, Code: "busy", Detail: "The box is calling itself already. Try again in a minute."}
	}
	defer d.calling.Unlock()
	web := d.Certificates().Web
	if web == nil {
		return r, errors.New("there is no certificate yet")
	}
	exe, err := os.Executable()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(exe), "selfcall"),
		"-url", "https://"+render.HostPort("127.0.0.1", d.set.HTTPSPort), "-certificate", "-", "-timeout", callTime.String())
	token, err := d.callToken()
	if err != nil {
		return r, err
	}
	cmd.Dir, cmd.Env = "/", []string{"MEETBOX_SELFCALL_TOKEN=" + token}
	cmd.Stdin = bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Raw}))
	if d.machine != nil {
		if cmd.SysProcAttr, err = as("selfcall"); err != nil {
			return r, err
		}
	}
	var report, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &report, &said
	err = cmd.Run()
	if jerr := json.Unmarshal(report.Bytes(), &r); jerr != nil {
		return r, fmt.Errorf("selfcall: %w", errors.Join(err, jerr, errors.New(strings.TrimSpace(said.String()))))
	}
	return r, nil // that it failed is in the report
}
