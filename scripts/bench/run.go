package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"meetbox.local/scripts/bench/internal/adapter"
	"meetbox.local/scripts/bench/internal/load"
	"meetbox.local/scripts/bench/internal/netlab"
)

type scenario struct {
	name  string
	p, s  int
	rooms int // 0 is one
}

func parseScenarios(s string) (out []scenario, err error) {
	for x := range strings.SplitSeq(s, ",") {
		a, b, ok := strings.Cut(x, "x")
		p, e1 := strconv.Atoi(a)
		r, e2 := strconv.Atoi(b)
		if !ok || e1 != nil || e2 != nil {
			return nil, fmt.Errorf("bad scenario %q", x)
		}
		out = append(out, scenario{name: x, p: p, s: r})
	}
	return out, nil
}

type runner struct {
	g                  genFlags
	peers, meetbox     string // directories with programs
	results, tag, hook string
	srvCore, genCore   string
	nice               string
	file               *os.File
}

// start runs a program in a namespace. The result ends it and waits for it.
func (r *runner) start(ns, core, log, dir string, env, argv []string) (pid int, stop func(), err error) {
	f, err := os.Create(filepath.Join(r.results, "log", log))
	if err != nil {
		return 0, nil, err
	}
	argv = netlab.In(ns, core, r.nice, argv...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, nil, errors.Join(err, f.Close())
	}
	return cmd.Process.Pid, func() {
		done := make(chan struct{})
		go func() {
			_ = cmd.Wait() // it was told to end
			close(done)
		}()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(3 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
		f.Close()
	}, nil
}

// one runs one scenario against a fresh server.
func (r *runner) one(ctx context.Context, peer string, sc scenario, rep int) (*load.Result, error) {
	name, extra, _ := strings.Cut(peer, "@") // peer@k=v;k=v gives options
	if err := os.MkdirAll(filepath.Join(r.results, "log"), 0o755); err != nil {
		return nil, err
	}
	if name == limitPeer {
		res, err := r.limit(ctx, sc, rep)
		return r.keep(res, peer, sc, rep), err
	}
	ad, err := adapter.Get(name)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "bench-"+name)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	srv, err := ad.Server(adapter.ServerSpec{IP: netlab.ServerIP, Work: work, Peers: r.peers, Meetbox: r.meetbox, Opts: parseOpts(extra)})
	if err != nil {
		return nil, err
	}
	log := fmt.Sprintf("%s-%s-%s-%d", r.tag, name, sc.name, rep)
	for i, argv := range srv.Beside {
		_, stop, err := r.start(netlab.ServerNS, r.genCore, fmt.Sprintf("%s-beside%d.log", log, i), srv.Dir, srv.Env, argv)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	pid, stop, err := r.start(netlab.ServerNS, r.srvCore, log+".log", srv.Dir, srv.Env, srv.Argv)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := waitReady(ctx, srv.Ready); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	time.Sleep(500 * time.Millisecond)

	out := filepath.Join(work, "result.json")
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	argv := append([]string{self, "gen", "-peer", name, "-p", strconv.Itoa(sc.p), "-s", strconv.Itoa(sc.s),
		"-rooms", strconv.Itoa(max(1, sc.rooms)), "-ctl", srv.Control, "-pid", strconv.Itoa(pid), "-out", out, "-opts", extra,
		"-neg", filepath.Join(r.results, "negotiated-"+name+".txt")}, r.g.args()...)
	argv = netlab.In(netlab.GenNS, r.genCore, r.nice, argv...)
	gen := exec.CommandContext(ctx, argv[0], argv[1:]...)
	gen.Env = append(os.Environ(), "GOGC=400")
	gen.Stderr = os.Stderr
	gen.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if r.hook != "" {
		h := exec.CommandContext(ctx, "sh", "-c", r.hook)
		h.Env = append(os.Environ(), "SERVER_PID="+strconv.Itoa(pid), "SERVER_WORK="+work, "PEER="+name, "SCENARIO="+sc.name)
		h.Stderr = os.Stderr
		if err := h.Start(); err != nil {
			return nil, err
		}
		defer func() { _ = h.Wait() }()
	}
	gerr := gen.Run()
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("%s %s: generator: %w", peer, sc.name, gerr)
	}
	var res load.Result
	if err := json.Unmarshal(b, &res); err != nil {
		return nil, err
	}
	return r.keep(&res, peer, sc, rep), gerr
}

// keep writes a result down.
func (r *runner) keep(res *load.Result, peer string, sc scenario, rep int) *load.Result {
	if res == nil {
		return nil
	}
	res.Peer, res.Rep, res.Scenario = peer, rep, sc.name
	if b, err := json.Marshal(res); err == nil {
		fmt.Fprintf(r.file, "%s\n", b)
	}
	return res
}

func waitReady(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		c := exec.CommandContext(ctx, "ip", "netns", "exec", netlab.GenNS, "bash", "-c", "exec 3<>/dev/tcp/"+strings.Replace(addr, ":", "/", 1))
		if c.Run() == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// limitPeer is the Go limit program, in place of an SFU.
const limitPeer = "limit"

// errShape says that the limit program only does meetings.
var errShape = errors.New("the limit program does NxN only")

// limit measures the forwarder without an SFU around it: the same media,
// static keys, batched system calls and UDP GSO.
func (r *runner) limit(ctx context.Context, sc scenario, rep int) (*load.Result, error) {
	if sc.p != sc.s {
		return nil, errShape
	}
	n := strconv.Itoa(sc.p)
	log := fmt.Sprintf("%s-limit-%s-%d.log", r.tag, sc.name, rep)
	_, stop, err := r.start(netlab.ServerNS, r.srvCore, log, "", nil, []string{filepath.Join(r.peers, "limit-fwd"), "-n", n, "-crypto", "gcm", "-io", "gso"})
	if err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	argv := netlab.In(netlab.GenNS, r.genCore, r.nice, filepath.Join(r.peers, "limit-lgen"), "-n", n, "-secs", strconv.Itoa(int(r.g.window.Seconds())))
	gen := exec.CommandContext(ctx, argv[0], argv[1:]...)
	gen.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	out, err := gen.Output()
	stop()
	if err != nil {
		return nil, fmt.Errorf("limit generator: %w", err)
	}
	said, err := os.ReadFile(filepath.Join(r.results, "log", log))
	if err != nil {
		return nil, err
	}
	var fwd struct {
		Us   float64 `json:"us_per_pkt"`
		User float64 `json:"user_us"`
		Sys  float64 `json:"sys_us"`
		Out  uint64  `json:"out"`
	}
	var sink struct{ Want, Got uint64 }
	if err := errors.Join(json.Unmarshal(said, &fwd), json.Unmarshal(out, &sink)); err != nil {
		return nil, fmt.Errorf("limit says %s and %s: %w", said, out, err)
	}
	secs := r.g.window.Seconds()
	return &load.Result{
		Publishers: sc.p, Receivers: sc.s, WindowS: secs, UsPerPkt: fwd.Us,
		ServerUserS: fwd.User * float64(sink.Got) / 1e6, ServerSysS: fwd.Sys * float64(sink.Got) / 1e6, ServerCPUs: fwd.Us * float64(sink.Got) / 1e6,
		ServerCorePct: fwd.Us * float64(sink.Got) / 1e4 / secs, ForwardedPkts: sink.Got, ForwardedPps: float64(sink.Got) / secs,
		LossPct: 100 * (1 - float64(sink.Got)/float64(max(sink.Want, 1))), Expected: sink.Want, Delivered: sink.Got, SRTP: "AEAD_AES_128_GCM",
	}, nil
}
