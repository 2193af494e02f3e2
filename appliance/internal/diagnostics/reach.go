package diagnostics

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// reachTime is longer than the kernel takes to learn that nobody has an
// address (three questions, a second apart).
const reachTime = 5 * time.Second

// Gateway tries whether the gateways are there: one that refuses a connection
// is.
func Gateway(ctx context.Context, gateways []netip.Addr) Finding {
	if len(gateways) == 0 {
		return Skipped("There is none, so the box can be reached in its own network only.")
	}
	for _, g := range gateways {
		switch err := knock(ctx, netip.AddrPortFrom(g, 53)); {
		case err == nil:
			return OK(g.String() + " answers.")
		case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTDOWN):
			return Broken(g.String()+" is not there.", "Compare the gateway's address with the other machines' in this network, and look whether the router is on.")
		case errors.Is(err, os.ErrPermission):
			return Unclear("The box's packet filter keeps it from asking.", "")
		}
	}
	return Unclear("It is silent, as some routers are.", "")
}

// knock says whether somebody answers; a refusal is an answer.
func knock(ctx context.Context, to netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", to.String())
	if err == nil {
		return c.Close()
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return err
}

// DNS asks each server for a name; that there is no such name is an answer.
func DNS(ctx context.Context, servers []netip.Addr, name string) Finding {
	if len(servers) == 0 {
		return Skipped("There is none. The box needs none; people may open it by its address.")
	}
	var silent []string
	for _, s := range servers {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, netip.AddrPortFrom(s, 53).String())
		}}
		ctx, cancel := context.WithTimeout(ctx, reachTime)
		_, err := r.LookupNetIP(ctx, "ip", name)
		cancel()
		dns, ok := errors.AsType[*net.DNSError](err)
		switch {
		case err == nil, ok && dns.IsNotFound:
			return OK(s.String() + " answers.")
		case errors.Is(err, os.ErrPermission) || ok && strings.Contains(dns.Err, "not permitted"):
			return Unclear("The box's packet filter keeps it from asking.", "")
		}
		silent = append(silent, s.String())
	}
	return Broken(strings.Join(silent, ", ")+" does not answer.", "Compare the DNS servers with the other machines' in this network. Until then, open the box by its address.")
}

// Secure tries whether the box's pages are there, with a certificate that
// devices take that trust the authority.
func Secure(ctx context.Context, port int, roots *x509.CertPool, now time.Time) Finding {
	d := tls.Dialer{Config: &tls.Config{ServerName: "127.0.0.1", RootCAs: roots, Time: func() time.Time { return now }}}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		if err := c.Close(); err != nil {
			return Unclear(err.Error(), "")
		}
		return OK(fmt.Sprintf("TCP %d answers, with the box's certificate.", port))
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Broken(fmt.Sprintf("TCP %d answers with a certificate that devices do not take: %v.", port, err), "Look at the page on certificates, and at the clock.")
	}
	return Broken(fmt.Sprintf("TCP %d does not answer.", port), "Look at the log of web.")
}

// Plain tries whether the port without TLS is there.
func Plain(ctx context.Context, port int) Finding {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		err = c.Close()
	}
	if err != nil {
		return Broken(fmt.Sprintf("TCP %d does not answer.", port), "Look at the log of web.")
	}
	return OK(fmt.Sprintf("TCP %d answers.", port))
}
