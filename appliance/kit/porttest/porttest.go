// Package porttest finds ports for tests of programs that listen.
package porttest

import (
	"net"
	"testing"
)

// Free is a TCP port of the loopback that nobody listens on now.
func Free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
