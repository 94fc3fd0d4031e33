package router

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// guard refuses requests that a web page of another site makes a browser send.
type guard struct {
	names    map[string]bool
	prefixes []netip.Prefix
	origins  *http.CrossOriginProtection
	trusted  map[string]bool // origins whose pages may send requests
}

func newGuard(allowed, origins []string) (*guard, error) {
	g := &guard{names: map[string]bool{}, origins: http.NewCrossOriginProtection(), trusted: map[string]bool{}}
	for _, origin := range origins {
		if err := g.origins.AddTrustedOrigin(origin); err != nil || !originPattern.MatchString(origin) {
			return nil, fmt.Errorf("origin %q is none: https://app.example.org is one, with :port if it is not the usual one", origin)
		}
		g.trusted[origin] = true
	}
	for _, host := range allowed {
		if prefix, err := netip.ParsePrefix(host); err == nil {
			g.prefixes = append(g.prefixes, prefix.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			ip = ip.Unmap()
			g.prefixes = append(g.prefixes, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		if canonicalName(host) == "" || strings.ContainsAny(host, "/:*@ \t") {
			return nil, fmt.Errorf("allowed host %q is no name, IP address or CIDR (without scheme and port)", host)
		}
		g.names[canonicalName(host)] = true
	}
	return g, nil
}

func canonicalName(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// check returns the problem of a request, or nil if there is none.
func (g *guard) check(r *http.Request) error {
	if !g.allows(r.Host) {
		return newProblem(http.StatusMisdirectedRequest, "host", "Host not allowed",
			"the Host of the request is neither loopback nor among the allowed hosts")
	}
	origin := r.Header.Get("Origin")
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case g.trusted[origin]:
		return nil
	case origin == "null":
	case read && isNavigation(r):
		return nil // router.handle refuses it where there is no page
	case read && site == "cross-site":
	case read && site == "" && origin != "" && !sameHost(origin, r.Host):
	case !read && g.origins.Check(r) != nil:
	default:
		return nil
	}
	return errOrigin
}

// originPattern is an origin in the form that browsers send.
var originPattern = regexp.MustCompile(`^https?://[a-z0-9.\[\]:_-]+$`)

var errOrigin = newProblem(http.StatusForbidden, "origin", "Origin not allowed", "requests from pages of other origins are refused")

// isNavigation reports whether a person follows a link to us, so that the answer replaces a
// whole document. Frames and objects navigate as well, but stay inside their page.
func isNavigation(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// isForeignNavigation reports whether the link was on a page of another site.
func isForeignNavigation(r *http.Request) bool {
	return isNavigation(r) && r.Header.Get("Sec-Fetch-Site") == "cross-site"
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host == host
}

// allows reports whether clients may call the server by this Host. A name that an
// attacker's DNS points at us is not on the list. That is the whole defence against DNS
// rebinding.
func (g *guard) allows(hostport string) bool {
	host := withoutPort(hostport)
	if isLoopback(host) {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		for _, prefix := range g.prefixes {
			if prefix.Contains(ip) {
				return true
			}
		}
		return false
	}
	return g.names[canonicalName(host)]
}

func withoutPort(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// isLoopback reports whether a host is this machine, by its name or address.
func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	name := canonicalName(host)
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
