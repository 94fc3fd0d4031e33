package router_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"jrweb/router"
)

func TestWhatAdminsDoIsALineOfTheLog(t *testing.T) {
	for _, r := range routes {
		for _, has := range []string{"admin", "steer"} {
			var said bytes.Buffer
			s, fill := serveRoutes(t, options{router: router.Options{Authorize: named, Logger: slog.New(slog.NewTextHandler(&said, nil))}})
			said.Reset()
			path := fill(r.path)
			a := s.do(r.method, path, bodyOf(r.body), "Role: "+has, "Name: ann lee\u202e")
			s.restart() // all requests have ended
			if needs[r.method+" "+r.pattern] != router.RoleAdmin {
				if strings.Contains(said.String(), "audit") {
					t.Errorf("%s %s: %q", r.method, r.pattern, said.String())
				}
				continue
			}
			want := []string{"audit=true", "method=" + r.method, "path=" + path, "address=127.0.0.1:"}
			if has == "admin" {
				a.is(r.status)
				want = append(want, `name="ann lee\u202e"`, "status=2")
			} else {
				a.is(403)
				want = append(want, "status=403", "needs the role admin")
			}
			for _, text := range want {
				if !strings.Contains(said.String(), text) {
					t.Errorf("%s %s as %s: no %s in %q", r.method, r.pattern, has, text, said.String())
				}
			}
			if n := strings.Count(said.String(), "audit=true"); n != 1 {
				t.Errorf("%s %s as %s: %d lines", r.method, r.pattern, has, n)
			}
		}
	}
}
