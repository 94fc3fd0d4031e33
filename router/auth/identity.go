package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"jrweb/router"
)

// identity is who sent a request, according to one of its credentials.
type identity struct {
	name   string
	groups []string // as a proxy or a provider says; nil for others
	role   router.Role
	task   string // the only task that a ticket opens, "" for all
	// life ends when the credential is no longer valid.
	life context.Context
}

// The purposes of signatures.
const (
	purposeCookie = "cookie"
	purposeTicket = "ticket"
	purposeState  = "state"
)

// cookieBody is the content of a cookie.
type cookieBody struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"exp"`
	// The hash of the token with which the client signed in. Without it, Name is a person
	// whom a provider named, whose role is looked up at each request.
	Token  []byte   `json:"token,omitempty"`
	Name   string   `json:"name,omitempty"`
	Groups []string `json:"groups,omitempty"`
}

// ticketBody is the content of a ticket.
type ticketBody struct {
	ID      string    `json:"id"`
	Task    string    `json:"task"`
	By      string    `json:"by"`               // who made the ticket
	Groups  []string  `json:"groups,omitempty"` // of theirs, those that may share
	Expires time.Time `json:"exp"`
}

func newID() string {
	var random [12]byte
	_, _ = rand.Read(random[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// identify returns who sent a request. ok is false if it has no valid credential. A bearer
// token or a ticket in the query decides alone. Without them, the first valid one of these
// counts: the cookie of the login, the proxy, the cookie of a ticket.
func (a *Auth) identify(r *http.Request) (who identity, ok bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return identity{}, false
		}
		return a.byToken(strings.TrimSpace(secret))
	}
	if sealed, shown := r.Context().Value(ticketKey{}).(string); shown {
		return a.byTicket(sealed)
	}
	for _, c := range r.CookiesNamed(a.cookie) {
		if who, ok := a.byCookie(c.Value); ok {
			return who, true
		}
	}
	if name := a.proxied(r); name != "" {
		return a.byName("proxy", name, a.groups(r))
	}
	for _, c := range r.CookiesNamed(a.cookie + "_ticket") {
		if who, ok := a.byTicket(c.Value); ok {
			return who, true
		}
	}
	return identity{}, false
}

func (a *Auth) byToken(secret string) (identity, bool) {
	t, ok := find(a.tokens.get(), secret)
	if !ok {
		return identity{}, false
	}
	return identity{name: t.name, role: t.role, life: a.lives.of("token "+string(t.hash[:]), func() bool { return a.hasToken(t) })}, true
}

func (a *Auth) hasToken(t token) bool { return slices.Contains(a.tokens.get(), t) }

func (a *Auth) byCookie(sealed string) (identity, bool) {
	var c cookieBody
	if !a.sealer.open(purposeCookie, sealed, &c) || !a.cookieHolds(&c) {
		return identity{}, false
	}
	who, ok := a.behind(&c)
	if !ok {
		return identity{}, false
	}
	role := who.role
	who.life = a.lives.of("cookie "+c.ID, func() bool {
		now, ok := a.behind(&c)
		return ok && now.role == role && a.cookieHolds(&c)
	})
	return who, true
}

// behind returns whose cookie it is, according to the present tokens and roles.
func (a *Auth) behind(c *cookieBody) (identity, bool) {
	if len(c.Token) > 0 {
		for _, t := range a.tokens.get() {
			if string(t.hash[:]) == string(c.Token) {
				return identity{name: t.name, role: t.role}, true
			}
		}
		return identity{}, false
	}
	role := a.roles.get().of(c.Name, c.Groups)
	return identity{name: c.Name, groups: c.Groups, role: role}, role != router.RoleNone
}

func (a *Auth) cookieHolds(c *cookieBody) bool {
	return time.Now().Before(c.Expires) && !a.out.has(c.ID)
}

func (a *Auth) byTicket(sealed string) (identity, bool) {
	var t ticketBody
	holds := func() bool { return time.Now().Before(t.Expires) && a.mayShare(t.By, t.Groups) }
	if !a.sealer.open(purposeTicket, sealed, &t) || t.Task == "" || !holds() {
		return identity{}, false
	}
	return identity{name: "a link of " + t.By, role: router.RoleRead, task: t.Task, life: a.lives.of("ticket "+t.ID, holds)}, true
}

// mayShare reports whether somebody of this name may still make tickets: else nobody can say
// why the ones that they made are to hold.
func (a *Auth) mayShare(name string, groups []string) bool {
	byToken := slices.ContainsFunc(a.tokens.get(), func(t token) bool { return t.name == name && t.role >= router.RoleSteer })
	return byToken || a.roles.get().of(name, groups) >= router.RoleSteer
}

// byName returns a person whom a trusted proxy or provider names.
func (a *Auth) byName(by, name string, groups []string) (identity, bool) {
	role := a.roles.get().of(name, groups)
	if role == router.RoleNone {
		return identity{}, false
	}
	key := strings.Join(append([]string{by, name}, groups...), "\x00")
	return identity{name: name, groups: groups, role: role, life: a.lives.of(key, func() bool { return a.roles.get().of(name, groups) == role })}, true
}

// proxied returns the name from a proxy in front, or "". [Auth.Wrap] has removed the
// headers of other peers.
func (a *Auth) proxied(r *http.Request) string { return saidOnce(r, a.o.ProxyHeader) }

func (a *Auth) groups(r *http.Request) []string {
	var groups []string
	for group := range strings.SplitSeq(saidOnce(r, a.o.GroupsHeader), ",") {
		if group = strings.TrimSpace(group); group != "" {
			groups = append(groups, group)
		}
	}
	return groups
}

// saidOnce returns a header of the proxy. If it appears twice, one may come from the
// client, and the proxy may have added its own: then neither counts.
func saidOnce(r *http.Request, header string) string {
	if header == "" {
		return ""
	}
	if values := r.Header.Values(header); len(values) == 1 {
		return values[0]
	}
	return ""
}

// peer returns the address of the client of the connection, or the zero address for a Unix
// socket.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
