// Package prosody runs Debian's prosody as the other server of tests and
// benchmarks: on ports of its own, out of a folder of the caller's, with
// nothing that it remembers.
//
// It has the hosts of a Jitsi deployment: meet.jitsi for guests over WebSocket
// and auth.meet.jitsi for accounts over TCP with STARTTLS, both with rooms at
// muc.meet.jitsi that anybody may make and where everybody sees who is who.
package prosody

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Options are what the caller decides.
type Options struct {
	Dir              string            // for everything; exists
	Certificate, Key string            // files
	Accounts         map[string]string // passwords, by user of auth.meet.jitsi
	People           map[string]string // of meet.jitsi, which then has no guests
	RoomArchive      bool              // rooms may keep what is said
}

// Server is a process.
type Server struct {
	TCP, HTTP string // addresses
	Process   *os.Process
	cmd       *exec.Cmd
	done      chan struct{} // all its output was read
}

const config = `
run_as_root = true
pidfile = %[1]q
data_path = %[2]q
network_backend = "epoll"
log = { info = "*console" }
plugin_paths = {}
modules_enabled = { "saslauth"; "tls"; "disco"; "ping"; "iq"; "message"; "presence"; "roster"; "carbons"; "offline"; "mam"; "websocket"; "smacks"; "posix" }
modules_disabled = { "s2s" }
c2s_require_encryption = true
consider_websocket_secure = true
archive_expires_after = "1d"
storage = "memory"
smacks_max_unacked_stanzas = 5
certificates = %[2]q
ssl = { certificate = %[3]q; key = %[4]q }
interfaces = { "127.0.0.1" }
c2s_ports = { %[5]s }
http_ports = { %[6]s }
http_interfaces = { "127.0.0.1" }
https_ports = {}
http_default_host = "meet.jitsi"
http_paths = { websocket = "/xmpp-websocket" }

VirtualHost "meet.jitsi"
	authentication = %[7]q
	storage = { accounts = "internal" }
VirtualHost "auth.meet.jitsi"
	authentication = "internal_plain"
	storage = { accounts = "internal" }
Component "muc.meet.jitsi" "muc"
	modules_enabled = { %[8]s }
	muc_log_by_default = false
	restrict_room_creation = false
	muc_room_locking = false
	muc_room_default_public_jids = true
	muc_room_default_history_length = 0
	muc_tombstones = false
`

// Start runs the server until it listens.
func Start(o Options) (*Server, error) {
	s := &Server{done: make(chan struct{})}
	var err error
	if s.TCP, err = port(); err != nil {
		return nil, err
	}
	if s.HTTP, err = port(); err != nil {
		return nil, err
	}
	guests := "anonymous"
	if o.People != nil {
		guests = "internal_plain"
	}
	rooms := ""
	if o.RoomArchive {
		rooms = `"muc_mam"`
	}
	if err := errors.Join(accounts(o.Dir, "auth%2emeet%2ejitsi", o.Accounts), accounts(o.Dir, "meet%2ejitsi", o.People)); err != nil {
		return nil, err
	}
	_, tcp, _ := net.SplitHostPort(s.TCP)
	_, http, _ := net.SplitHostPort(s.HTTP)
	file := filepath.Join(o.Dir, "prosody.cfg.lua")
	text := fmt.Appendf(nil, config, filepath.Join(o.Dir, "pid"), o.Dir, o.Certificate, o.Key, tcp, http, guests, rooms)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	s.cmd = exec.Command("prosody", "-F", "--config", file)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("prosody: %w (scripts/need.sh prosody installs it)", err)
	}
	s.Process = s.cmd.Process
	said, ready := "", make(chan bool, 1)
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(out)
		for open := 2; lines.Scan(); {
			if open > 0 {
				said += lines.Text() + "\n"
			}
			if strings.Contains(lines.Text(), "Activated service 'c2s'") || strings.Contains(lines.Text(), "Activated service 'http'") {
				if open--; open == 0 {
					ready <- true
				}
			}
		}
		close(ready)
	}()
	if !<-ready {
		return nil, fmt.Errorf("prosody did not start: %w\n%s", s.Stop(), said)
	}
	return s, nil
}

// accounts writes those of a host as prosody keeps them.
func accounts(dir, host string, passwords map[string]string) error {
	users := filepath.Join(dir, host, "accounts")
	if err := os.MkdirAll(users, 0o700); err != nil {
		return err
	}
	for user, password := range passwords {
		if err := os.WriteFile(filepath.Join(users, user+".dat"), fmt.Appendf(nil, "return { [\"password\"] = %q; };\n", password), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func port() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Stop ends the process.
func (s *Server) Stop() error {
	err := s.Process.Kill()
	<-s.done
	_ = s.cmd.Wait() // says that it was killed
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
