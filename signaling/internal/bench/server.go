package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/signaling/internal/prosody"
	"meetbox.local/signaling/internal/sasl"
)

// server is a process to measure.
type server struct {
	network, address string // of its WebSockets
	tcp              string
	pid              int
	tls              *tls.Config
	stop             func() error
}

const password = "correct horse"

func start(name, binary string) (*server, error) {
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		return nil, err
	}
	cert, key, config, err := certificate(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &server{tls: config}
	if name == "prosody" {
		p, err := prosody.Start(prosody.Options{Dir: dir, Certificate: cert, Key: key, Accounts: map[string]string{"focus": password}})
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		s.network, s.address, s.tcp, s.pid = "tcp", p.HTTP, p.TCP, p.Process.Pid
		s.stop = func() error { return errors.Join(p.Stop(), os.RemoveAll(dir)) }
		return s, nil
	}
	return s, s.ours(dir, binary, cert, key)
}

// ours starts our server with the settings that the appliance would render.
func (s *server) ours(dir, binary, cert, key string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.tcp = l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	login, err := scram.SHA256.NewClient("focus", password, "")
	if err != nil {
		return err
	}
	salt := rand.Text()
	k, err := login.GetStoredCredentialsWithError(scram.KeyFactors{Salt: salt, Iters: 4096})
	if err != nil {
		return err
	}
	b, err := json.Marshal(map[string]any{
		"domain": "meet.jitsi", "auth_domain": "auth.meet.jitsi", "muc_domain": "muc.meet.jitsi",
		"internal_muc_domain": "internal-muc.meet.jitsi", "focus_domain": "focus.meet.jitsi",
		"tcp": s.tcp, "certificate": cert, "key": key, "focus_user": "focus",
		"accounts": []sasl.Account{{User: "focus", SCRAM: map[string]sasl.Keys{
			sasl.SHA256: {Salt: []byte(salt), Iterations: 4096, StoredKey: k.StoredKey, ServerKey: k.ServerKey},
		}}},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "signaling.json"), b, 0o600)
	}
	if err != nil {
		return err
	}
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil { // the process may write there, not beside it
		return err
	}
	cmd := exec.Command(binary, "-run", dir, "-state", state)
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said, serving, done := "", make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(done)
		ready := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if !ready {
				said += lines.Text() + "\n"
				if ready = strings.Contains(lines.Text(), "msg=serving"); ready {
					serving <- true
				}
			}
		}
		close(serving)
	}()
	if !<-serving {
		return fmt.Errorf("our server did not start: %w\n%s", cmd.Wait(), said)
	}
	s.network, s.address, s.pid = "unix", filepath.Join(dir, "signaling.sock"), cmd.Process.Pid
	s.stop = func() error {
		err := cmd.Process.Kill()
		<-done
		_ = cmd.Wait() // says that it was killed
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

func certificate(dir string) (cert, key string, config *tls.Config, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"meet.jitsi", "auth.meet.jitsi"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		return "", "", nil, err
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return "", "", nil, err
	}
	cert, key = filepath.Join(dir, "xmpp.crt"), filepath.Join(dir, "xmpp.key")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	err = errors.Join(os.WriteFile(cert, text, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder}), 0o600))
	return cert, key, &tls.Config{RootCAs: pool, ServerName: "auth.meet.jitsi"}, err
}

// cpu is what the process has used, in seconds. The kernel counts it by the
// nanosecond for each thread; threads of both servers stay.
func (s *server) cpu() float64 {
	var total float64
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.pid))
	if err != nil {
		return 0
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that has just ended
		}
		word, _, _ := strings.Cut(string(b), " ")
		if ns, err := strconv.ParseFloat(word, 64); err == nil {
			total += ns / 1e9
		}
	}
	return total
}

// memory is a line of /proc/PID/status, in KiB.
func (s *server) memory(line string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), line+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no %s in /proc/%d/status", line, s.pid)
	}
	return strconv.ParseFloat(fields[0], 64)
}

// forgetPeak lets VmHWM begin anew (proc_pid_clear_refs(5)).
func (s *server) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.pid), []byte("5"), 0)
}

// wait waits for a phase to end.
func (t *tally) wait(ctx context.Context) error {
	select {
	case <-t.reached:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(60 * time.Second):
		return fmt.Errorf("%d stanzas came, %d were expected", atomic.LoadInt64(&t.got), t.want)
	}
}
