package router_test

import (
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"

	"jrweb/eventlog"
)

// Whatever the headers of a request say, the answer is never a failure of the server, has
// no header that the client made up, and is given only to allowed hosts and origins.
func FuzzHeaders(f *testing.F) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = log.Close() })
	h, err := router.New(log, streamer.New(log, nil), &router.Options{Origins: []string{friend}, AllowedHosts: []string{"10.0.0.0/8"}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][5]string{
		{"localhost", "", "", "application/json", ""},
		{"127.0.0.1:7070", friend, "cross-site", "text/html;q=0, */*", "application/x-ndjson"},
		{"[::1]:7", "null", "same-origin", "text/html; q = 0.5", "application/json; charset=\"UTF-8\""},
		{"evil.com", "http://evil.com", "none", ";;,", "text/plain"},
		{"10.1.2.3", friend + "\r\nX: y", "x", "a/b;q=1e9", "multipart/form-data; boundary=x"},
		{"localhost\x00", "http://", "", "\xff", "application/json; charset=utf-16"},
		{"[::1", "https://APP.example.org", "", "application/x-ndjson;q=0;q=1", "a/b+json;="},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], "key", "navigate")
	}
	f.Fuzz(func(t *testing.T, host, origin, site, accept, contentType, key, mode string) {
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/tasks/t-1", ""}, {"GET", "/tasks/t-1/events", ""}, {"POST", "/tasks/t-1/events", say("a")}, {"PUT", "/tasks/t-1", "{}"}, {"OPTIONS", "/tasks", ""},
		} {
			r := request(c.method, c.path, []byte(c.body))
			r.Host = host
			for name, value := range map[string]string{
				"Origin": origin, "Sec-Fetch-Site": site, "Accept": accept, "Content-Type": contentType, "Idempotency-Key": key, "Sec-Fetch-Mode": mode,
				"Sec-Fetch-Dest": mode, "Access-Control-Request-Method": mode,
			} {
				if value != "" {
					r.Header[name] = []string{value}
				}
			}
			w := handle(h, r)
			if !slices.Contains([]int{200, 201, 204, 400, 403, 404, 405, 409, 415, 421, 422}, w.Code) {
				t.Fatalf("%s %s is answered %d %s", c.method, c.path, w.Code, w.Body)
			}
			if w.Code < 300 && (strings.Contains(host, "evil") || origin == "null") {
				t.Fatalf("host %q, origin %q are answered %d", host, origin, w.Code)
			}
			for name, values := range w.Header() {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n") || name == "Access-Control-Allow-Origin" && values[0] != friend {
					t.Fatalf("header %s: %q", name, values)
				}
			}
		}
	})
}
