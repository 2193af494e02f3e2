package policy

import (
	"net/http"
	"strings"
)

// ReportPath is where browsers send content security policy violations.
const ReportPath = "/_csp-report"

// permissions is what the page itself may use and nobody framed in it; the
// rest is switched off, so that a hole in the page cannot reach it.
const permissions = "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), " +
	"autoplay=(self), picture-in-picture=(self), screen-wake-lock=(self), " +
	"clipboard-write=(self), geolocation=(), usb=(), serial=(), payment=(), midi=()"

// SetCommon sets the headers of every answer, whatever its kind.
//
// There is no Strict-Transport-Security: the certificate comes from a local
// authority, and a box that is set up anew would be unreachable for months
// from every browser that had seen the header.
func SetCommon(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// SetPage sets the headers of a page. The host is the one that
// [Hosts.Own] returned for the request: older Safari does not count wss: as
// 'self', so the policy names it. Pages of the origins in frames may show it
// within them, as those of its own may.
func SetPage(h http.Header, host string, frames []string) {
	connect := "'self'"
	if !strings.HasPrefix(host, "[") { // the policy's grammar has no IPv6 literals
		connect += " wss://" + host
	}
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'self'",
		"connect-src " + connect,
		"img-src 'self' blob: data:",
		"media-src 'self' blob:",
		"worker-src 'self' blob:",
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		strings.Join(append([]string{"frame-ancestors 'self'"}, frames...), " "),
		"require-trusted-types-for 'script'",
		"trusted-types default",
		"report-uri " + ReportPath,
	}, "; "))
	h.Set("Permissions-Policy", permissions)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// SetTrustPage sets the headers of the trust page, which comes over plain
// HTTP and tries whether this device can reach the secure side at that host.
func SetTrustPage(h http.Header, secure string) {
	connect := "'self' https://" + secure + " wss://" + secure
	if strings.HasPrefix(secure, "[") { // see SetPage; this page has nothing to give away
		connect = "'self' https: wss:"
	}
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'self'",
		"connect-src " + connect,
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; "))
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
}

// SetConsole sets the headers of the console's page, which nobody frames and
// which needs nothing but itself.
func SetConsole(h http.Header) {
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'self'",
		"img-src 'self' blob: data:",
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types default",
		"report-uri " + ReportPath,
	}, "; "))
	h.Set("Permissions-Policy", "camera=(), microphone=(), display-capture=(), geolocation=(), usb=(), serial=(), payment=(), midi=(), clipboard-write=(self)")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// SetCORS lets pages of any origin use an answer. Guests are anonymous and
// no cookie is looked at, so there is nothing to ride on.
func SetCORS(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	h.Set("Access-Control-Max-Age", "86400")
}

// DropCORS removes what a backend said about origins, so that a header is
// never there twice, which browsers take as a refusal.
func DropCORS(h http.Header) {
	for k := range h {
		if strings.HasPrefix(k, "Access-Control-") {
			h.Del(k)
		}
	}
}
