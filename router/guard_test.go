package router_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"jrweb/router"
)

var allowed = options{router: router.Options{AllowedHosts: []string{
	"Example.ORG", "dotted.example.", "192.0.2.7", "10.1.0.0/16", "[2001:db8::1]", "fd00::/8",
}}}

func TestOnlyAllowedHostsAreAnswered(t *testing.T) {
	s := serveWith(t, allowed)
	for _, host := range []string{
		"localhost", "LocalHost", "localhost.", "a.localhost", "a.b.LOCALHOST.",
		"127.0.0.1", "127.0.0.2", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
		"example.org", "EXAMPLE.org", "example.org.", "dotted.example",
		"192.0.2.7", "10.1.2.3", "[2001:db8::1]", "[2001:DB8:0::1]", "[fd12::3]",
	} {
		for _, port := range []string{"", ":7070", ":1", ":65535"} {
			s.get("/healthz", "Host: "+host+port).is(200)
		}
	}
	for _, host := range []string{
		"evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "evillocalhost", "notlocalhost.", "localhost..",
		"127.0.0.1.nip.io", "example.org.evil.com", "www.example.org", "xexample.org", "org",
		"0.0.0.0", "128.0.0.1", "126.255.255.255", "192.0.2.8", "10.2.0.1", "169.254.169.254",
		"[::]", "[::2]", "[2001:db8::2]", "[fe80::1]", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.",
		"localhost:80:80", "localhost,evil.com", "evil.com:localhost", "localhost@evil.com", "*",
	} {
		s.get("/healthz", "Host: "+host).problem(421, "")
		if !strings.Contains(host[len(host)-min(len(host), 10):], ":") {
			s.get("/healthz", "Host: "+host+":7070").problem(421, "")
		}
	}
}

func TestARequestWithoutAHostIsRefused(t *testing.T) {
	s := serveWith(t, allowed)
	if a := rawRequest(s, "GET /healthz HTTP/1.0\r\n\r\n"); !strings.HasPrefix(a, "HTTP/1.0 421 ") {
		t.Errorf("it is answered %q", a)
	}
	// The host in the request line wins over the header.
	if a := rawRequest(s, "GET http://evil.com/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(a, "HTTP/1.1 421 ") {
		t.Errorf("it is answered %q", a)
	}
}

func TestAForeignHostIsRefusedOnEveryRoute(t *testing.T) {
	s, fill := serveRoutes(t, options{prefix: "/jr"})
	for _, r := range routes {
		s.do(r.method, fill(r.path), bodyOf(r.body), "Host: evil.com").problem(421, "").
			has("X-Content-Type-Options", "nosniff").has("Referrer-Policy", "no-referrer")
	}
	for _, path := range []string{"", "/nothing", "/tasks/t-1%2Fx", "/tasks//"} {
		s.get(path, "Host: evil.com").problem(421, "")
	}
	s.do("OPTIONS", "/tasks", nil, "Host: evil.com").problem(421, "")
}

func TestWritesFromForeignOriginsAreRefused(t *testing.T) {
	own := func(s *server) string { return s.http.URL }
	for _, r := range routes {
		if r.method == "GET" {
			continue
		}
		s, fill := serveRoutes(t, options{})
		path := fill(r.path)
		for _, headers := range [][]string{
			{"Origin: null"},
			{"Origin: null", "Sec-Fetch-Site: same-origin"},
			{"Origin: http://evil.com"},
			{"Origin: http://localhost:1"},
			{"Origin: " + own(s) + ".evil.com"},
			{"Sec-Fetch-Site: cross-site"},
			{"Sec-Fetch-Site: same-site"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, // a form that submits itself
			{"Origin: " + own(s), "Sec-Fetch-Site: cross-site"},
		} {
			s.do(r.method, path, bodyOf(r.body), headers...).problem(403, "")
		}
		s.holds("/tasks/t-1/events?sessions=all", "a complete b")
		for _, headers := range [][]string{
			{"Origin: " + own(s)},
			{"Origin: " + own(s), "Sec-Fetch-Site: same-origin"},
			{"Sec-Fetch-Site: none"},
			{},
		} {
			s, fill := serveRoutes(t, options{})
			if len(headers) > 0 && strings.HasPrefix(headers[0], "Origin: ") {
				headers[0] = "Origin: " + own(s)
			}
			s.do(r.method, fill(r.path), bodyOf(r.body), headers...).is(r.status)
		}
	}
}

func TestReadsByForeignPagesAreRefusedAndNavigationsAreNot(t *testing.T) {
	s, fill := serveRoutes(t, options{})
	for _, r := range routes {
		if r.method != "GET" {
			continue
		}
		for _, headers := range [][]string{
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Origin: http://evil.com"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"},
			{"Sec-Fetch-Site: cross-site"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: frame"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: embed"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object"},
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: document"},
			{"Origin: http://evil.com"},
			{"Origin: null"},
		} {
			s.get(fill(r.path), headers...).problem(403, "")
			s.do("HEAD", fill(r.path), nil, headers...).is(403)
		}
		for _, headers := range [][]string{
			{},
			{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
			{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"},
			{"Origin: " + s.http.URL},
		} {
			s.get(fill(r.path), headers...).is(200).has("X-Frame-Options", "DENY")
		}
	}
}

func TestPagesElsewhereMayLinkToPagesOnly(t *testing.T) {
	s, fill := serveRoutes(t, options{})
	link := []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html"}
	for _, r := range routes {
		if r.method != "GET" {
			continue
		}
		if slices.Contains([]string{"/", "/search", "/wall", "/usage", "/tasks/:task"}, r.pattern) {
			s.get(fill(r.path), link...).is(200)
		} else {
			s.get(fill(r.path), link...).problem(403, "")
		}
	}
}

func TestNobodyIsAllowedToReadAcrossOrigins(t *testing.T) {
	for _, r := range routes {
		s, fill := serveRoutes(t, options{})
		a := s.do(r.method, fill(r.path), bodyOf(r.body), "Origin: "+s.http.URL)
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s is answered with %s", a.request, name)
			}
		}
	}
	serve(t).do(http.MethodOptions, "/tasks", nil, "Origin: http://evil.com", "Access-Control-Request-Method: GET").problem(405, "")
}
