package router_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"jrweb/router"
)

const friend = "https://app.example.org"

func TestPagesOfANamedOriginMayReadAndWrite(t *testing.T) {
	for _, r := range routes {
		t.Run(r.method+" "+r.pattern, func(t *testing.T) {
			s, fill := serveRoutes(t, options{router: router.Options{Authorize: as, Origins: []string{friend, "http://localhost:3000"}}})
			path := fill(r.path)
			from := func(origin string) []string {
				return []string{"Origin: " + origin, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Role: admin"}
			}
			ask := s.do("OPTIONS", path, nil, "Origin: "+friend, "Access-Control-Request-Method: "+r.method, "Access-Control-Request-Headers: authorization").is(204)
			ask.has("Access-Control-Allow-Origin", friend)
			if !strings.Contains(ask.header.Get("Access-Control-Allow-Methods"), r.method) || !strings.Contains(ask.header.Get("Access-Control-Allow-Headers"), "Authorization") {
				t.Errorf("a browser hears %v", ask.header)
			}
			for _, origin := range []string{"https://evil.com", friend + ".evil.com", "http://app.example.org", friend + ":444", "null", strings.ToUpper(friend)} {
				a := s.do(r.method, path, bodyOf(r.body), from(origin)...).problem(403, "")
				asked := s.do("OPTIONS", path, nil, "Origin: "+origin, "Access-Control-Request-Method: "+r.method)
				for _, h := range []http.Header{a.header, asked.header} {
					if h.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s is allowed: %v", origin, h)
					}
				}
			}
			a := s.do(r.method, path, bodyOf(r.body), from(friend)...).is(r.status).has("Access-Control-Allow-Origin", friend)
			if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
				t.Errorf("a cache gives it to others: %v", a.header)
			}
			if a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("cookies are taken along")
			}
			// A refusal can be read as well, and the role is still checked.
			if needs[r.method+" "+r.pattern] != router.RoleNone {
				s.do(r.method, path, bodyOf(r.body), append(from(friend)[:3], "Role: nobody")...).problem(401, "").has("Access-Control-Allow-Origin", friend)
			}
		})
	}
}

func TestFramesOfANamedOriginAreRefusedAllTheSame(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Origins: []string{friend}}})
	s.get("/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe").problem(403, "").has("X-Frame-Options", "DENY")
	s.get("/", "Host: evil.com", "Origin: "+friend).problem(421, "")
}

func TestWithoutOriginsNobodyIsAskedBeforehand(t *testing.T) {
	s := serve(t)
	a := s.do("OPTIONS", "/tasks", io.Reader(nil), "Origin: "+friend, "Access-Control-Request-Method: GET")
	if a.status == 204 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d, %v", a.status, a.header)
	}
}

func TestWhatIsNoOriginIsRefusedAtTheStart(t *testing.T) {
	for _, origin := range []string{"*", "null", "", "app.example.org", "https://", "https://app.example.org/", "https://app.example.org/x", "ftp://x", "https://a b", "https://*.example.org", "HTTPS://APP.EXAMPLE.ORG"} {
		if _, err := router.New(nil, nil, &router.Options{Origins: []string{origin}}); err == nil {
			t.Errorf("%q is taken", origin)
		}
	}
}
