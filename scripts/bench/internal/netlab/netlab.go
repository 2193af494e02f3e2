// Package netlab makes the two network namespaces the server and the load
// generator live in, joined by a veth pair. No way leads out of them.
package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Names and addresses.
const (
	ServerNS = "meetbox-bench-srv"
	GenNS    = "meetbox-bench-gen"
	ServerIP = "10.99.0.1"
	GenIP    = "10.99.0.2"

	// socketMax is what servers and clients may ask for as socket buffers.
	socketMax = "16777216"
)

// ErrRoot says that the harness cannot make namespaces.
var ErrRoot = errors.New("this needs root: it makes two network namespaces, so that nothing but the benchmark is on the wire (try sudo)")

func sh(line string) error {
	f := strings.Fields(line)
	out, err := exec.Command(f[0], f[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, out)
	}
	return nil
}

// Up makes the namespaces, and anew if an earlier run left some behind. Down
// removes them and restores the limits of socket buffers.
func Up() (down func(), err error) {
	if os.Geteuid() != 0 {
		return nil, ErrRoot
	}
	for _, ns := range []string{ServerNS, GenNS} {
		if _, err := os.Stat("/run/netns/" + ns); err == nil {
			if err := sh("ip netns del " + ns); err != nil {
				return nil, err
			}
		}
	}
	var undo []string
	for _, key := range []string{"rmem_max", "wmem_max"} {
		if b, err := os.ReadFile("/proc/sys/net/core/" + key); err == nil {
			undo = append(undo, "sysctl -qw net.core."+key+"="+strings.TrimSpace(string(b)))
		}
	}
	undo = append(undo, "ip netns del "+ServerNS, "ip netns del "+GenNS)
	down = func() {
		for _, l := range undo {
			if err := sh(l); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
	for _, l := range []string{
		"ip netns add " + ServerNS, "ip netns add " + GenNS,
		"ip link add bench0 netns " + ServerNS + " type veth peer name bench1 netns " + GenNS,
		"ip -n " + ServerNS + " addr add " + ServerIP + "/24 dev bench0",
		"ip -n " + GenNS + " addr add " + GenIP + "/24 dev bench1",
		"ip -n " + ServerNS + " link set bench0 up", "ip -n " + GenNS + " link set bench1 up",
		"ip -n " + ServerNS + " link set lo up", "ip -n " + GenNS + " link set lo up",
		"sysctl -qw net.core.rmem_max=" + socketMax, "sysctl -qw net.core.wmem_max=" + socketMax,
	} {
		if err := sh(l); err != nil {
			down()
			return nil, err
		}
	}
	return down, nil
}

// In returns argv so that it runs in ns, pinned to core, ahead of other work on
// the machine by a nice value. The scheduler weighs sessions before processes
// (autogroup), so the process is to lead a session, which then gets the same
// value. Nice "fifo" is more: ahead of everything that is not real-time.
func In(ns, core, nice string, argv ...string) []string {
	in := []string{"ip", "netns", "exec", ns}
	if nice == Realtime {
		return append(append(in, "taskset", "-c", core, "chrt", "-f", "10"), argv...)
	}
	return append(append(append([]string{"sh", "-c", `echo "$0" >/proc/self/autogroup; exec "$@"`, nice}, in...),
		"nice", "-n", nice, "taskset", "-c", core), argv...)
}

// Realtime is the value of nice that asks for real-time scheduling.
const Realtime = "fifo"
