package live

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Hosts says which names a request may be addressed to. A page of another site
// can have its own name resolved to this machine (DNS rebinding) and would then
// read our answers as its own; its requests carry that name. An address written
// in digits, or localhost, cannot be rebound.
type Hosts struct {
	Network bool     // addresses other than loopback are answered too
	Names   []string // further names of this machine
}

// allow says whether a Host header is one of ours. The port is not looked at:
// it differs behind an SSH tunnel.
func (h Hosts) allow(host string) bool {
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Unmap().IsLoopback() || h.Network
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	for _, n := range h.Names {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// policy lets the page load only what this server has, and run no other script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// guard sets the headers of every answer and refuses requests that write, or
// that are addressed to somebody else. It says whether to go on.
func guard(w http.ResponseWriter, r *http.Request, hosts Hosts) bool {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !hosts.allow(r.Host) {
		http.Error(w, "This server does not answer to that name. Use 127.0.0.1 or localhost, or start it with --allow-host for another name.",
			http.StatusForbidden)
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "This page can only be read.", http.StatusMethodNotAllowed)
		return false
	}
	return true
}
