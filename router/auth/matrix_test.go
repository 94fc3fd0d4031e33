package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/router"
	"jrweb/router/auth"
)

// forge signs a text as the server does, with its key.
func forge(t *testing.T, keyFile, purpose, body string) string {
	t.Helper()
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(body))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose + "\x00" + text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// status sends a request and does not read the body: a stream has no end.
func (s *server) status(method, path string, headers ...string) int {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	res, err := stranger.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// cookieOf signs in with a token, and returns the header that its browser then sends.
func (s *server) cookieOf(token string) string {
	s.Helper()
	a := s.want(s.do(stranger, "POST", "/login", `{"token":"`+token+`"}`), 200)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	return "Cookie: " + cookie
}

// ticketOf returns a ticket for a task.
func (s *server) ticketOf(task string) string {
	s.Helper()
	var link struct{ Ticket string }
	a := s.want(s.do(stranger, "POST", "/tasks/"+task+"/share", "", bearer(adminToken)), 201)
	if err := json.Unmarshal([]byte(a.body), &link); err != nil {
		s.Fatal(err)
	}
	return link.Ticket
}

// route is a route of a server, according to its description.
type route struct {
	method, path string
	role         router.Role
}

// routes are all routes of the server, with the names in their paths filled in.
func (s *server) routes() (list []route) {
	s.Helper()
	var described struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(s.want(s.get("/openapi.json"), 200).body), &described); err != nil {
		s.Fatal(err)
	}
	fill := strings.NewReplacer("{task}", "t-1", "{session}", "0123456789ABCDEFGHIJKLMNO0", "{hash}", strings.Repeat("a", 64), "{file}", "app.css")
	for path, methods := range described.Paths {
		for method, text := range methods {
			var about struct {
				Role string `json:"x-role"`
			}
			if method == "parameters" {
				continue
			}
			if err := json.Unmarshal(text, &about); err != nil {
				s.Fatal(err)
			}
			role, err := router.ParseRole(about.Role)
			if err != nil && about.Role != "none" {
				s.Errorf("%s %s has role %q", method, path, about.Role)
			}
			list = append(list, route{strings.ToUpper(method), fill.Replace(path), role})
			if method == "get" {
				list = append(list, route{http.MethodHead, fill.Replace(path), role})
			}
		}
	}
	slices.SortFunc(list, func(a, b route) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return list
}

// credential is a credential of a request.
type credential struct {
	headers []string
	query   string
	role    router.Role // RoleNone: it is invalid
	task    string      // the only task that it opens
}

func (c *credential) want(r route) int {
	switch {
	case r.role == router.RoleNone:
		return 0
	case c.role == router.RoleNone:
		return 401
	case c.task != "" && (r.role > router.RoleRead || !strings.HasPrefix(r.path, "/tasks/"+c.task) || strings.HasSuffix(r.path, "/search")), c.role < r.role:
		return 403
	}
	return 0
}

// Every route of the list, with every kind of credential, good and bad.
func TestEveryRouteWithEveryCredential(t *testing.T) {
	var keyFile string
	s := provide(t, func(o *auth.Options) {
		keyFile = o.KeyFile
		o.Proxies, o.ProxyHeader, o.GroupsHeader = loopback, "Remote-User", "Remote-Groups"
	})
	const goneToken = "gone-token-0123456789"
	s.write(s.tokens, allTokens+"gone:admin:"+goneToken+"\n")
	s.write(s.roles, "ann@example.org:steer\n@crew:admin\nbob@example.org:read\ntest-user@zitadel.ch:steer\n")
	s.auth.Reload()
	session := func(user string) string { // of a person who signed in at the provider
		b := browser(t)
		a := s.want(s.signIn(b, user, ""), 200)
		var all []string
		for _, c := range b.Jar.Cookies(a.Request.URL) {
			all = append(all, c.Name+"="+c.Value)
		}
		return "Cookie: " + strings.Join(all, "; ")
	}
	withheld, goneCookie, signedOut := session("test-user2"), s.cookieOf(goneToken), s.cookieOf(adminToken)
	s.want(s.do(stranger, "POST", "/logout", "", signedOut), 303)
	goodCookie := s.cookieOf(steerToken)
	person := session("test-user@127.0.0.1")
	name, _, _ := strings.Cut(strings.TrimPrefix(goodCookie, "Cookie: "), "=")
	past, future := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	adminHash := sha256.Sum256([]byte(adminToken))
	cookieBody := func(expires string) string {
		return `{"id":"x","exp":"` + expires + `","token":"` + base64.StdEncoding.EncodeToString(adminHash[:]) + `"}`
	}
	ticketBody := func(expires string) string { return `{"id":"y","task":"t-1","by":"ann","exp":"` + expires + `"}` }
	cookie := func(name, value string) []string { return []string{"Cookie: " + name + "=" + value} }
	good, wrong := s.ticketOf("t-1"), s.ticketOf("t-2")
	s.write(s.tokens, allTokens)
	s.write(s.roles, "ann@example.org:steer\nbob@example.org:read\ntest-user@zitadel.ch:steer\n")
	s.auth.Reload()

	credentials := map[string]credential{
		"none":                               {},
		"a read token":                       {headers: []string{bearer(readToken)}, role: router.RoleRead},
		"a write token":                      {headers: []string{bearer(writeToken)}, role: router.RoleWrite},
		"a steer token":                      {headers: []string{bearer(steerToken)}, role: router.RoleSteer},
		"an admin token":                     {headers: []string{bearer(adminToken)}, role: router.RoleAdmin},
		"a wrong token":                      {headers: []string{bearer("wrong-token-0123456789")}},
		"a revoked token":                    {headers: []string{bearer(goneToken)}},
		"a token as basic":                   {headers: []string{"Authorization: Basic " + adminToken}},
		"a wrong token, a good cookie":       {headers: []string{bearer("wrong-token-0123456789"), goodCookie}},
		"a cookie":                           {headers: []string{goodCookie}, role: router.RoleSteer},
		"a changed cookie":                   {headers: []string{goodCookie + "x"}},
		"a signed-out cookie":                {headers: []string{signedOut}},
		"a cookie of a revoked token":        {headers: []string{goneCookie}},
		"an expired cookie":                  {headers: cookie(name, forge(t, keyFile, "cookie", cookieBody(past)))},
		"the control: one that has not":      {headers: cookie(name, forge(t, keyFile, "cookie", cookieBody(future))), role: router.RoleAdmin},
		"a cookie signed as a ticket":        {headers: cookie(name, forge(t, keyFile, "ticket", cookieBody(future)))},
		"a ticket":                           {query: good, role: router.RoleRead, task: "t-1"},
		"a ticket of another task":           {query: wrong, role: router.RoleRead, task: "t-2"},
		"a ticket as a cookie":               {headers: cookie(name+"_ticket", good), role: router.RoleRead, task: "t-1"},
		"a changed ticket":                   {query: good + "x"},
		"an expired ticket":                  {query: forge(t, keyFile, "ticket", ticketBody(past))},
		"the control: a ticket that has not": {query: forge(t, keyFile, "ticket", ticketBody(future)), role: router.RoleRead, task: "t-1"},
		"an expired ticket as a cookie":      {headers: cookie(name+"_ticket", forge(t, keyFile, "ticket", ticketBody(past)))},
		"a ticket as the cookie":             {headers: cookie(name, good)},
		"a proxy's person":                   {headers: []string{"Remote-User: ann@example.org"}, role: router.RoleSteer},
		"a proxy's reader":                   {headers: []string{"Remote-User: bob@example.org"}, role: router.RoleRead},
		"a proxy's stranger":                 {headers: []string{"Remote-User: eve@example.org"}},
		"a proxy's group without a role":     {headers: []string{"Remote-User: eve@example.org", "Remote-Groups: crew"}},
		"a provider's person":                {headers: []string{person}, role: router.RoleSteer},
		"a provider's person who lost it":    {headers: []string{withheld}},
	}
	check := func(s *server, name string, c credential) {
		t.Run(name, func(t *testing.T) {
			for _, r := range s.routes() {
				if r.path == "/logout" && r.method == http.MethodPost || r.path == "/login/callback" {
					continue // one ends the credential, the other refuses requests that do not come from the provider
				}
				path := r.path
				if c.query != "" {
					path += "?ticket=" + c.query
				}
				got, want := s.status(r.method, path, c.headers...), c.want(r)
				if want == 0 && (got == 401 || got == 403) || want != 0 && got != want {
					t.Errorf("%s %s, which needs %s, is answered %d, not %d", r.method, r.path, r.role, got, want)
				}
			}
		})
	}
	if n := len(s.routes()); n < 35 {
		t.Errorf("there are only %d routes", n)
	}
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		check(s, name, credentials[name])
	}
	elsewhere := serve(t, func(o *auth.Options) { o.ProxyHeader, o.GroupsHeader = "Remote-User", "Remote-Groups" })
	check(elsewhere, "the header of a proxy from anybody", credential{headers: []string{"Remote-User: ann@example.org"}})
}
