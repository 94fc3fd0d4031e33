package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"jrweb/router"
)

// ticketRoutes are the routes that a ticket opens, for its task.
var ticketRoutes = map[string]bool{
	"/tasks/:task": true, "/tasks/:task/events": true, "/tasks/:task/events/stream": true,
	"/tasks/:task/sessions": true, "/tasks/:task/sessions/:session": true,
	"/tasks/:task/sessions/:session/blobs/:hash": true, "/tasks/:task/now": true, "/tasks/:task/overview": true, "/tasks/:task/outcome": true,
}

// Authorize implements [router.Authorize].
func (a *Auth) Authorize(access router.Access) (router.Grant, error) {
	who, ok := a.identify(access.Request)
	if !ok {
		return router.Grant{}, unknown(access)
	}
	if who.task != "" && (!ticketRoutes[access.Route] || access.Role > router.RoleRead || access.Task != who.task) {
		return router.Grant{}, &router.Refusal{Status: http.StatusForbidden, Detail: "the link opens one task, to read, and nothing else"}
	}
	if who.role < access.Role {
		return router.Grant{}, &router.Refusal{
			Status: http.StatusForbidden,
			Detail: fmt.Sprintf("this needs the role %s, and %s has %s", access.Role, who.name, who.role),
		}
	}
	grant := router.Grant{Until: who.life, Name: who.name, Role: who.role}
	if who.task != "" {
		grant.Sees = func(task string) bool { return task == who.task }
	}
	return grant, nil
}

// unknown redirects a browser that requests a page to the login page, and refuses all other
// clients.
func unknown(access router.Access) error {
	r := access.Request
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("Authorization") == "" {
		depth := strings.Count(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
		next := strings.TrimPrefix(r.URL.RequestURI(), "/")
		return &router.Refusal{
			Status: http.StatusSeeOther, Detail: "sign in first",
			Header: http.Header{"Location": {strings.Repeat("../", depth) + "login?next=" + url.QueryEscape(next)}},
		}
	}
	return &router.Refusal{
		Status: http.StatusUnauthorized, Detail: "a credential is needed: a token as Authorization: Bearer, or sign in at login",
		Header: http.Header{"Www-Authenticate": {`Bearer realm="jrweb"`}},
	}
}

type ticketKey struct{}

// Wrap removes from requests what only this package may see: tickets in the query, and
// headers that only a proxy may set. It sets their RemoteAddr to the address of the client
// if a trusted proxy names it. If a browser sends a ticket, it gets a cookie for that
// task, and a redirect to the same address without the ticket.
func (a *Auth) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.believeProxies(r)
		sealed, rest := cutTicket(r.URL.RawQuery)
		if sealed == "" {
			next.ServeHTTP(w, r)
			return
		}
		inner := r.Clone(context.WithValue(r.Context(), ticketKey{}, sealed))
		inner.URL.RawQuery = rest
		inner.RequestURI = inner.URL.RequestURI()
		var t ticketBody
		if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") &&
			a.sealer.open(purposeTicket, sealed, &t) && path.Base(r.URL.Path) == t.Task {
			http.SetCookie(w, &http.Cookie{
				Name: a.cookie + "_ticket", Value: sealed, Path: strings.TrimSuffix(r.URL.EscapedPath(), "/"), Expires: t.Expires,
				HttpOnly: true, Secure: isSecure(r), SameSite: http.SameSiteLaxMode,
			})
			h := w.Header()
			h.Set("Cache-Control", "no-store")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Location", path.Base(r.URL.EscapedPath())+question(rest))
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, inner)
	})
}

func question(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// cutTicket removes the ticket from a query.
func cutTicket(query string) (sealed, rest string) {
	if !strings.Contains(query, "ticket=") {
		return "", query
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if value, is := strings.CutPrefix(part, "ticket="); is {
			if text, err := url.QueryUnescape(value); err == nil && sealed == "" {
				sealed = text
				continue
			}
		}
		kept = append(kept, part)
	}
	return sealed, strings.Join(kept, "&")
}
