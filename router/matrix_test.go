package router_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"
)

// described is an operation of openapi.json, which has every route.
type described struct{ method, path string }

// operations returns all of them, HEAD among them.
func operations(t *testing.T) (list []described) {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			list = append(list, described{method, path})
			if method == http.MethodGet {
				list = append(list, described{http.MethodHead, path})
			}
		}
	}
	if len(list) < 30 {
		t.Fatalf("openapi.json has %d operations", len(list))
	}
	return list
}

// filled is the path with these values instead of the names in braces.
func (d described) filled(task, session string) string {
	return strings.NewReplacer("{task}", task, "{session}", session, "{hash}", strings.Repeat("0", 64), "{file}", "app.css").Replace(d.path)
}

// from says where a request comes from, in the headers of browsers and others. "-" is an
// absent header.
type from struct{ host, origin, site, mode, dest string }

// refusal is the expected status by the contract and the docs: 421, 403, or 0 if the
// request is not refused because of where it comes from.
func (f from) refusal(d described) int {
	own := "http://" + f.host
	read := d.method == http.MethodGet || d.method == http.MethodHead
	page := slices.Contains([]string{"/", "/search", "/wall", "/usage", "/tasks/{task}"}, d.path)
	followed := f.mode == "navigate" && f.dest == "document"
	switch {
	case f.host == "evil.example":
		return http.StatusMisdirectedRequest
	case f.origin == "null":
		return http.StatusForbidden
	case read && f.site == "cross-site" && !(page && followed):
		return http.StatusForbidden
	case read && f.site == "-" && f.origin != "-" && f.origin != own && !followed:
		return http.StatusForbidden
	case !read && (f.site == "cross-site" || f.site == "same-site"):
		return http.StatusForbidden
	case !read && f.site == "-" && f.origin != "-" && f.origin != own:
		return http.StatusForbidden
	}
	return 0
}

func TestHostOriginAndFetchMetadataOnEveryRoute(t *testing.T) {
	const accepted = 402 // no other code answers this
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h, err := router.New(log, streamer.New(log, nil), &router.Options{
		Metrics: metrics,
		Authorize: func(router.Access) (router.Grant, error) {
			return router.Grant{}, &router.Refusal{Status: accepted, Detail: "it came through"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	refused, through := 0, 0
	for _, d := range operations(t) {
		for _, host := range []string{"localhost:7070", "127.0.0.1:7070", "evil.example"} {
			for _, origin := range []string{"-", "null", "http://" + host, "http://evil.example:1", "http://localhost:1", "https://sub." + host} {
				for _, site := range []string{"-", "none", "same-origin", "same-site", "cross-site"} {
					for _, to := range [][2]string{{"-", "-"}, {"cors", "empty"}, {"no-cors", "image"}, {"navigate", "document"}, {"navigate", "iframe"}, {"navigate", "-"}, {"websocket", "document"}} {
						f := from{host, origin, site, to[0], to[1]}
						r := request(d.method, d.filled("t-1", strings.Repeat("0", 26)), nil)
						r.Host = f.host
						for name, value := range map[string]string{"Origin": f.origin, "Sec-Fetch-Site": f.site, "Sec-Fetch-Mode": f.mode, "Sec-Fetch-Dest": f.dest} {
							if value != "-" {
								r.Header.Set(name, value)
							}
						}
						w := handle(h, r)
						want := f.refusal(d)
						is := w.Code == http.StatusForbidden || w.Code == http.StatusMisdirectedRequest
						// Paths that are served outside of the router here are not among
						// its routes.
						if followed := f.mode == "navigate" && f.dest == "document"; want == 403 && followed && w.Code == http.StatusNotFound {
							continue
						}
						if want != 0 && w.Code != want || want == 0 && is {
							t.Fatalf("%s %s from %+v is answered %d, not %d", d.method, d.path, f, w.Code, want)
						}
						for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
							if got := w.Header().Get(name); got != want {
								t.Fatalf("%s %s from %+v has %s %q", d.method, d.path, f, name, got)
							}
						}
						if want != 0 {
							refused++
						} else {
							through++
						}
					}
				}
			}
		}
	}
	if refused < 1000 || through < 1000 { // each is the control of the other
		t.Errorf("%d were refused, %d came through", refused, through)
	}
}

// evil are texts that end lines, tags, attributes or paths, or are very long.
var evil = []string{
	"x\r\nX-Evil: 1\r\n\r\nevil", "x\nX-Evil: 1", "x\rX-Evil: 1", "x\u2028X-Evil: 1", "x\x00y", "\xff\xfe", "\x1b[31m", "\u202etxt.exe",
	`"><script>evil()</script>`, `'><img src=x onerror=evil()>`, "javascript:evil()", "{{evil}}", "${evil}", "<!--", "]]>", "</script><script>evil()//",
	"../../etc/passwd", "..\\..\\x", "%2e%2e%2f", "%00", "/", "//evil.example", ".", "..", "-", "_x", ":", "a:b", "*", "t-1 ", " t-1", "t-1;x=1", "t-1/..",
	"data: x\n\nevent: evil\ndata: {}\n\n", "id: 1\nevent: evil", ":comment", strings.Repeat("A", 129), strings.Repeat("A", 4096), "é", "ﬁ", "t\u0301",
}

func TestEvilIDsNameNothingOnAnyRoute(t *testing.T) {
	s, fill := serveRoutes(t, options{})
	for _, d := range operations(t) {
		for _, id := range evil {
			if id == "." || id == ".." || strings.Contains(id, "/") {
				continue // they are other paths, which TestWhatIsNoRouteIs404 has
			}
			escaped := url.PathEscape(id)
			for _, path := range []string{d.filled(escaped, fill("{session}")), d.filled("t-1", escaped)} {
				if path == d.filled("t-1", fill("{session}")) || !strings.Contains(path, escaped) || strings.Contains(d.path, "/login") {
					continue // it has no such id
				}
				a := s.do(d.method, path, bodyOf(`{}`))
				if a.status != 404 && a.status != 422 && a.status != 405 {
					t.Errorf("%s %q is answered %d: %.200s", d.method, path, a.status, a.body)
				}
				a.harmless()
			}
		}
	}
	s.holds("/tasks/t-1/events?sessions=all", "a complete b")
}

func TestEvilQueriesAndHeadersDoNoHarmOnAnyRoute(t *testing.T) {
	s, fill := serveRoutes(t, options{})
	names := []string{"session", "sessions", "after", "limit", "types", "last", "last_event_id", "format", "control", "q", "external_id", "start", "around", "ticket", "next"}
	headers := []string{"Accept", "Last-Event-ID", "Idempotency-Key", "Content-Type", "Cookie", "Authorization", "Referer", "User-Agent", "X-Forwarded-Host", "X-Forwarded-For", "Range", "If-None-Match", "Accept-Encoding"}
	for _, d := range operations(t) {
		if d.method != http.MethodGet && d.method != http.MethodHead || d.method == http.MethodGet && strings.HasSuffix(d.path, "/stream") {
			continue // these would change what the other requests read, or never end
		}
		ask := func(r *http.Request) *answer {
			w := handle(s.http.Config.Handler, r)
			return &answer{T: t, request: d.method + " " + r.URL.String(), status: w.Code, header: w.Header(), body: w.Body.String()}
		}
		path := d.filled("t-1", fill("{session}"))
		unserved := d.path == "/backup" || strings.HasSuffix(d.path, "/stream") // without a file or a connection
		for _, text := range evil {
			for _, name := range names {
				a := ask(request(d.method, path+"?"+name+"="+url.QueryEscape(text), nil))
				if a.status >= 500 && !unserved {
					t.Errorf("%s %s with %s=%q is answered %d", d.method, path, name, text, a.status)
				}
				a.harmless()
			}
			for _, name := range headers {
				r := request(d.method, path, nil)
				r.Header.Set(name, text)
				a := ask(r)
				if a.status >= 500 && !unserved {
					t.Errorf("%s %s with %s: %q is answered %d", d.method, path, name, text, a.status)
				}
				a.harmless()
			}
		}
	}
}

// answerHeaders are all headers that an answer may have.
var answerHeaders = []string{
	"Accept-Ranges", "Allow", "Cache-Control", "Connection", "Content-Disposition", "Content-Length", "Content-Range", "Content-Security-Policy",
	"Content-Type", "Cross-Origin-Resource-Policy", "Date", "Etag", "Last-Modified", "Link", "Location", "Referrer-Policy", "Transfer-Encoding", "Vary",
	"X-Accel-Buffering", "X-Content-Type-Options", "X-Frame-Options",
}

// harmless checks that nothing of the request has an effect in the answer.
func (a *answer) harmless() {
	a.Helper()
	for name, values := range a.header {
		if !slices.Contains(answerHeaders, name) {
			a.Errorf("%s is answered with %s: %q", a.request, name, values)
		}
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") || strings.Contains(value, "<script") {
				a.Errorf("%s is answered with %s: %q", a.request, name, value)
			}
		}
	}
	kind := a.header.Get("Content-Type")
	switch {
	case kind == htmlType:
		if strings.Contains(a.body, "<script>evil") || strings.Contains(a.body, "<img src=x") || a.header.Get("Content-Security-Policy") == "" {
			a.Errorf("%s: markup of a request is in the page, or it has no policy", a.request)
		}
	case strings.HasSuffix(kind, "json") && a.body != "":
		if !json.Valid([]byte(a.body)) {
			a.Errorf("%s: %.200q is no JSON", a.request, a.body)
		}
	}
}

// Each text of agents and people, in every place, is one frame of its own in every format.
func TestNothingThatIsSaidBeginsAFrameOfItsOwn(t *testing.T) {
	s := serve(t)
	var want int
	for _, text := range evil {
		quoted, err := json.Marshal(text)
		s.ok(err)
		q := string(quoted)
		s.append("t-1",
			`{"type":"assistant","data":{"content":`+q+`}}`,
			`{"type":"tool_call","data":{"tool":`+q+`,"call_id":`+q+`,"args":{`+q+`:`+q+`}}}`,
			`{"type":"tool_result","data":{"tool":`+q+`,"call_id":`+q+`,"success":true,"output":`+q+`}}`,
			`{"type":"error","data":{"message":`+q+`}}`)
		want += 4
		s.put("/tasks/t-1", `{"title":`+q[:1]+strings.Trim(q[1:min(len(q)-1, 300)], `\`)+`"}`)
	}
	session := s.append("t-1", complete)
	for _, format := range []string{"json", "envelope", "html"} {
		res, err := s.client.Get(s.http.URL + "/tasks/t-1/events/stream?format=" + format + "&session=" + session)
		s.ok(err)
		all, err := io.ReadAll(res.Body) // it ends with the session
		res.Body.Close()
		s.ok(err)
		text := string(all)
		frames := 0
		for frame := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
			for i, line := range strings.FieldsFunc(frame, func(r rune) bool { return r == '\n' || r == '\r' }) {
				name, value, _ := strings.Cut(line, ":")
				value = strings.TrimPrefix(value, " ")
				switch {
				case i == 0 && name == "retry":
				case i == 0 && name == "id" && strings.HasPrefix(value, session):
					frames++
				case i == 1 && name == "event" && format == "json" && !strings.Contains(value, "evil"):
				case i > 0 && name == "data":
				default:
					t.Fatalf("%s: line %d of a frame is %.200q", format, i, line)
				}
			}
		}
		if frames != want+1 {
			t.Errorf("%s: %d frames of %d events", format, frames, want+1)
		}
	}
}
