package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
)

// believeProxies removes from a request what its peer may not say, and gives it the address
// of the client that a trusted proxy names.
func (a *Auth) believeProxies(r *http.Request) {
	from := peer(r)
	namesPeople, trusted := contains(a.o.Proxies, from), contains(a.o.TrustedProxies, from)
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		namesPeople, trusted = a.o.UnixProxy, a.o.TrustUnix
	}
	if !namesPeople {
		for _, name := range []string{a.o.ProxyHeader, a.o.GroupsHeader} {
			if name != "" {
				r.Header.Del(name)
			}
		}
	}
	if !namesPeople && !trusted {
		r.Header.Del(forwardedProto)
		return
	}
	if addr := a.forwarded(r); addr.IsValid() {
		r.RemoteAddr = netip.AddrPortFrom(addr, 0).String()
	}
}

// forwarded returns the address of the client according to trusted proxies: the last one in the
// header that is not theirs. Anybody may have written what stands before it. The zero address:
// they name none.
func (a *Auth) forwarded(r *http.Request) (client netip.Addr) {
	hops := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		addr, err := netip.ParseAddr(hop)
		if err != nil {
			withPort, err := netip.ParseAddrPort(hop)
			if err != nil {
				return client
			}
			addr = withPort.Addr()
		}
		client = addr.Unmap().WithZone("")
		if !contains(a.o.Proxies, client) && !contains(a.o.TrustedProxies, client) {
			return client
		}
	}
	return client
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return addr.IsValid() && slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// isSecure reports whether the client reaches us over TLS, as far as we can know. Behind a
// proxy that ends TLS, the proxy tells if it is trusted, or the Origin of a browser.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get(forwardedProto) == "https" || strings.HasPrefix(r.Header.Get("Origin"), "https://")
}
