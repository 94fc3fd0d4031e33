package router_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"jrweb/router"
)

// route is a request to one route, and its answer. In the path, {session} is a session of
// the task t-1 that has ended, {open} an open one, {image} the hash of an image in the
// first.
type route struct {
	method, path, body string
	status             int
	contentType        string
	pattern            string
}

const (
	jsonType = "application/json"
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
	sseType  = "text/event-stream"
)

var routes = []route{
	{"GET", "/", "", 200, htmlType, "/"},
	{"GET", "/search?q=x", "", 200, jsonType, "/search"},
	{"GET", "/wall", "", 200, htmlType, "/wall"},
	{"GET", "/stream", "", 200, sseType, "/stream"},
	{"GET", "/tasks", "", 200, jsonType, "/tasks"},
	{"GET", "/tasks/t-1", "", 200, jsonType, "/tasks/:task"},
	{"PUT", "/tasks/t-1", `{"title":"x"}`, 200, jsonType, "/tasks/:task"},
	{"DELETE", "/tasks/t-1", "", 204, "", "/tasks/:task"},
	{"GET", "/tasks/t-1/search", "", 200, jsonType, "/tasks/:task/search"},
	{"GET", "/tasks/t-1/overview", "", 200, htmlType, "/tasks/:task/overview"},
	{"GET", "/tasks/t-1/outcome", "", 200, jsonType, "/tasks/:task/outcome"},
	{"GET", "/tasks/t-1/now", "", 200, jsonType, "/tasks/:task/now"},
	{"GET", "/tasks/t-1/events", "", 200, jsonType, "/tasks/:task/events"},
	{"POST", "/tasks/t-1/events", say("x"), 200, jsonType, "/tasks/:task/events"},
	{"GET", "/tasks/t-1/events/stream", "", 200, sseType, "/tasks/:task/events/stream"},
	{"GET", "/tasks/t-1/sessions", "", 200, jsonType, "/tasks/:task/sessions"},
	{"POST", "/tasks/t-1/sessions", "", 201, jsonType, "/tasks/:task/sessions"},
	{"GET", "/tasks/t-1/sessions/{session}", "", 200, jsonType, "/tasks/:task/sessions/:session"},
	{"DELETE", "/tasks/t-1/sessions/{session}", "", 204, "", "/tasks/:task/sessions/:session"},
	{"POST", "/tasks/t-1/sessions/{open}/events", say("x"), 200, jsonType, "/tasks/:task/sessions/:session/events"},
	{"POST", "/tasks/t-1/sessions/{open}/heartbeat", "", 204, "", "/tasks/:task/sessions/:session/heartbeat"},
	{"POST", "/tasks/t-1/sessions/{open}/complete", "", 200, jsonType, "/tasks/:task/sessions/:session/complete"},
	{"GET", "/tasks/t-1/sessions/{session}/blobs/{image}", "", 200, "image/png", "/tasks/:task/sessions/:session/blobs/:hash"},
	{"POST", "/hooks/claude", `{"hook_event_name":"Stop","session_id":"s-1"}`, 200, jsonType, "/hooks/claude"},
	{"GET", "/usage", "", 200, jsonType, "/usage"},
	{"GET", "/healthz", "", 200, textType, "/healthz"},
	{"GET", "/readyz", "", 200, textType, "/readyz"},
	{"GET", "/metrics", "", 200, textType, "/metrics"},
	{"GET", "/openapi.json", "", 200, jsonType, "/openapi.json"},
	{"GET", "/assets/app.css", "", 200, "text/css; charset=utf-8", "/assets/*file"},
}

// metrics stands for a metrics handler.
var metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", textType)
	_, _ = io.WriteString(w, "jrweb_build_info 1\n")
})

// serveRoutes serves a task with a session that has ended and an open one.
func serveRoutes(t *testing.T, o options) (s *server, fill func(path string) string) {
	t.Helper()
	o.router.Metrics = metrics
	s = serveWith(t, o)
	event, image := imageEvent("image/png", dot)
	sealed := s.append("t-1", event, complete)
	open := s.append("t-1", say("b"))
	return s, strings.NewReplacer("{session}", sealed, "{open}", open, "{image}", image).Replace
}

func TestEveryRoute(t *testing.T) {
	for _, prefix := range []string{"", "/jr", "/a/b"} {
		for _, r := range routes {
			t.Run(r.method+" "+prefix+r.pattern, func(t *testing.T) {
				s, fill := serveRoutes(t, options{prefix: prefix})
				path := fill(r.path)
				if r.method == "GET" {
					head := s.do("HEAD", path, nil).is(r.status).has("Content-Type", r.contentType)
					if head.body != "" {
						t.Errorf("HEAD has the body %q", head.body)
					}
				}
				a := s.do(r.method, path, bodyOf(r.body)).is(r.status).
					has("X-Content-Type-Options", "nosniff").has("Referrer-Policy", "no-referrer")
				if r.contentType != "" {
					a.has("Content-Type", r.contentType)
				} else if a.body != "" || a.header.Get("Content-Type") != "" {
					t.Errorf("an answer without content has type %q and body %q", a.header.Get("Content-Type"), a.body)
				}
			})
		}
	}
}

func TestHeadHasTheHeadersOfGet(t *testing.T) {
	s, fill := serveRoutes(t, options{})
	for _, r := range routes {
		if r.method != "GET" {
			continue
		}
		get, head := s.get(fill(r.path)), s.do("HEAD", fill(r.path), nil)
		get.header.Del("Date")
		head.header.Del("Date")
		for name := range get.header {
			if !slices.Equal(get.header[name], head.header[name]) {
				t.Errorf("%s: GET has %s %q, HEAD %q", r.path, name, get.header[name], head.header[name])
			}
		}
	}
}

func TestAMethodThatARouteDoesNotHaveIs405WithTheOnesItHas(t *testing.T) {
	allowed := map[string][]string{}
	for _, r := range routes {
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == "GET" {
			allowed[r.path] = append(allowed[r.path], "HEAD")
		}
	}
	s, fill := serveRoutes(t, options{prefix: "/jr"})
	for path, methods := range allowed {
		slices.Sort(methods)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if slices.Contains(methods, method) {
				continue
			}
			a := s.do(method, fill(path), nil).is(http.StatusMethodNotAllowed).has("Allow", strings.Join(methods, ", "))
			if method != "HEAD" {
				a.problem(http.StatusMethodNotAllowed, "")
			}
		}
	}
}

func TestWhatIsNoRouteIs404(t *testing.T) {
	s, fill := serveRoutes(t, options{prefix: "/jr"})
	paths := []string{
		"/nothing", "/favicon.ico", "/assets",
		"/TASKS", "/Tasks/t-1", "/tasks/t-1/EVENTS", "/tasks/t-1/nothing", "/login", "/.", "/..", "/../tasks",
	}
	for _, r := range routes {
		if r.pattern == "/" || r.pattern == "/assets/*file" {
			continue
		}
		path, _, _ := strings.Cut(fill(r.path), "?")
		parent, name := path[:strings.LastIndex(path, "/")], path[strings.LastIndex(path, "/")+1:]
		paths = append(paths, path+"/", path+"//", "/"+path, parent+"//"+name, parent+"%2F"+name, parent+"/%2f"+name, path+"%2F")
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			s.do(method, path, nil).problem(http.StatusNotFound, "")
		}
	}
}

func TestAnAssetThatIsNotThereIs404(t *testing.T) {
	s := serve(t)
	for _, file := range []string{"", ".", "..", "nothing.js", "../app.css", "templates/list.html", "app.css/", "%2e%2e/page.go", "app.css%00", "APP.CSS"} {
		s.get("/assets/"+file).problem(http.StatusNotFound, "")
	}
}

func TestOnlyTheMountWithoutItsSlashRedirects(t *testing.T) {
	for _, prefix := range []string{"/jr", "/a/b", "/a b", "/a:b"} {
		s, _ := serveRoutes(t, options{prefix: prefix})
		s.get("").is(http.StatusMovedPermanently)
		s.client.CheckRedirect = nil
		res, err := s.client.Get(s.http.URL + prefix)
		s.ok(err)
		res.Body.Close()
		if res.StatusCode != 200 || res.Request.URL.Path != prefix+"/" {
			t.Errorf("%s redirects to %s, which is %d", prefix, res.Request.URL, res.StatusCode)
		}
	}
}

func TestTheMountRedirectsBehindAProxyThatHidesIt(t *testing.T) {
	// The proxy serves at /public/jr what it requests at /jr.
	s, _ := serveRoutes(t, options{prefix: "/jr"})
	location, err := s.client.Get(s.http.URL + "/jr?x=1")
	s.ok(err)
	location.Body.Close()
	to, err := http.NewRequest("GET", "https://example.org/public/jr", nil)
	s.ok(err)
	target, err := to.URL.Parse(location.Header.Get("Location"))
	s.ok(err)
	if target.String() != "https://example.org/public/jr/" {
		t.Errorf("the redirect leads to %s", target)
	}
}

func TestARequestForAHostWithoutAnyPathRedirectsToItsRoot(t *testing.T) {
	s := serve(t)
	a := rawRequest(s, "GET "+s.http.URL+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(a, "HTTP/1.1 301 ") || !strings.Contains(a, "\r\nLocation: /\r\n") {
		t.Errorf("it is answered %q", a)
	}
}

func TestWithoutMetricsThereIsNoRouteForThem(t *testing.T) {
	serve(t).get("/metrics").problem(http.StatusNotFound, "")
}

func TestAnIDOutsideItsPatternNamesNothingToReadersAndIsAFieldToWriters(t *testing.T) {
	s, _ := serveRoutes(t, options{})
	long := strings.Repeat("x", 129)
	for _, task := range []string{".", "..", ".hidden", "-x", "_x", "%00", "t%00", "%0d%0a", "t%0d%0aX-Evil:%201", "%20", "t%20x", "%C3%A9", "%ff", "t:1", "a%5Cb", "%2e%2e", "..%5c", "%25", "%3Cscript%3E", long} {
		s.get("/tasks/"+task).problem(404, "")
		s.get("/tasks/"+task, "Accept: text/html").problem(404, "")
		s.get("/tasks/"+task+"/events").problem(404, "")
		s.get("/tasks/"+task+"/events/stream").problem(404, "")
		s.get("/tasks/"+task+"/sessions").problem(404, "")
		s.delete("/tasks/"+task).problem(404, "")
		s.put("/tasks/"+task, "{}").problem(422, "task")
		s.post("/tasks/"+task+"/events", say("x")).problem(422, "task")
		s.post("/tasks/"+task+"/sessions", "").problem(422, "task")
	}
	s.put("/tasks/"+long[1:], "{}").is(201)
	for _, session := range []string{".", "..", "short", "%00", "%0d%0a", "latest", "0123456789abcde-", "%ff", strings.Repeat("A", 15), strings.Repeat("A", 41)} {
		path := "/tasks/t-1/sessions/" + session
		s.get(path).problem(404, "")
		s.delete(path).problem(404, "")
		s.post(path+"/events", say("x")).problem(422, "session")
		s.post(path+"/heartbeat", "").problem(422, "session")
		s.post(path+"/complete", "").problem(422, "session")
	}
}

func TestAnIDWithinItsPatternThatWasNeverIssuedIs404ToAll(t *testing.T) {
	s, _ := serveRoutes(t, options{})
	for _, session := range []string{
		strings.Repeat("0", 26), strings.Repeat("0", 25) + "4", strings.Repeat("A", 16), strings.Repeat("Z", 26), strings.Repeat("z", 40),
	} {
		path := "/tasks/t-1/sessions/" + session
		s.get(path).problem(404, "")
		s.delete(path).problem(404, "")
		s.post(path+"/events", say("x")).problem(404, "")
		s.post(path+"/heartbeat", "").problem(404, "")
		s.post(path+"/complete", "").problem(404, "")
		s.get("/tasks/t-1/events?session="+session).problem(404, "")
		s.get("/tasks/t-1/events/stream?session="+session).problem(404, "")
	}
}

func TestASessionOfAnotherTaskIs404(t *testing.T) {
	s := serve(t)
	s.append("t-2", say("x"))
	path := "/tasks/t-2/sessions/" + s.append("t-1", say("a"))
	s.get(path).problem(404, "")
	s.delete(path).problem(404, "")
	s.post(path+"/events", say("x")).problem(404, "")
	s.post(path+"/complete", "").problem(404, "")
	s.holds("/tasks/t-1/events", "a")
}

func TestAnUnknownTaskIs404(t *testing.T) {
	s := serve(t)
	session := s.append("t-1", say("a"))
	for _, path := range []string{"", "/events", "/events/stream", "/sessions", "/sessions/" + session} {
		s.get("/tasks/nobody"+path).problem(404, "")
	}
	s.delete("/tasks/nobody").problem(404, "")
	s.post("/tasks/nobody/events?start=false", say("x")).problem(404, "")
	s.post("/tasks/nobody/sessions/"+session+"/events", say("x")).problem(404, "")
	s.post("/tasks/nobody/sessions/"+session+"/heartbeat", "").problem(404, "")
	s.post("/tasks/nobody/sessions/"+session+"/complete", "").problem(404, "")
	s.get("/tasks/nobody").problem(404, "") // none of these requests has created it
}

func TestAQueryThatARouteDoesNotKnowIs400WithItsName(t *testing.T) {
	s, fill := serveRoutes(t, options{})
	for _, r := range routes {
		if r.pattern == "/metrics" || r.pattern == "/assets/*file" {
			continue // not ours to read
		}
		path := fill(r.path) + "?"
		if strings.Contains(r.path, "?") {
			path = fill(r.path) + "&"
		}
		s.do(r.method, path+"nonsense=1", bodyOf(r.body)).problem(400, "nonsense")
		s.do(r.method, path+"%zz", bodyOf(r.body)).problem(400, "query")
		s.do(r.method, path+"a=1;b=2", bodyOf(r.body)).problem(400, "query")
	}
	s.get("/tasks/t-1?nonsense=1", "Accept: text/html").problem(400, "nonsense")
}

func TestABadQueryValueIs400WithItsName(t *testing.T) {
	s, _ := serveRoutes(t, options{})
	for field, queries := range map[string][]string{
		"/tasks limit":                      {"limit=", "limit=0", "limit=-1", "limit=1001", "limit=x", "limit=1&limit=1", "limit=9223372036854775808", "limit=1.5", "limit=%2B1%20"},
		"/tasks after":                      {"after=x", "after=0", "after=-1", "after=18446744073709551616", "after=1&after=1"},
		"/tasks/t-1/sessions limit":         {"limit=0", "limit=1001"},
		"/tasks/t-1/sessions after":         {"after=x", "after=1"},
		"/tasks/t-1/events limit":           {"limit=", "limit=0", "limit=10001", "limit=x", "limit=2&limit=2"},
		"/tasks/t-1/events last":            {"last=", "last=0", "last=-1", "last=10001", "last=x"},
		"/tasks/t-1/events sessions":        {"sessions=", "sessions=x", "sessions=ALL", "sessions=all&sessions=all"},
		"/tasks/t-1/events types":           {"types=", "types=a,,b", "types=A", "types=a%20b", "types=a,", "types=a&types=b"},
		"/tasks/t-1/events after":           {"after=x", "after=1:1", "after=:1", "after=x:"},
		"/tasks/t-1/events/stream sessions": {"sessions=x"},
		"/tasks/t-1/events/stream types":    {"types="},
		"/tasks/t-1/events/stream format":   {"format=xml"},
		"/tasks/t-1/events/stream control":  {"control=1"},
	} {
		path, name, _ := strings.Cut(field, " ")
		for _, query := range queries {
			s.get(path+"?"+query).problem(400, name)
		}
	}
	for _, query := range []string{"start=", "start=1", "start=no", "start=TRUE", "start=true&start=true"} {
		s.post("/tasks/t-1/events?"+query, say("x")).problem(400, "start")
	}
}

func TestAnAllowedHostThatIsNoneIsRefusedAtTheStart(t *testing.T) {
	for _, host := range []string{"", ".", "http://example.org", "example.org:80", "*.example.org", "a b", "10.0.0.0/33", "a@b", "\t"} {
		if _, err := router.New(nil, nil, &router.Options{AllowedHosts: []string{host}}); err == nil {
			t.Errorf("%q was taken as a host", host)
		}
	}
}
