package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/router"
	"jrweb/streamer"
)

// server is a log behind a real HTTP server.
type server struct {
	*testing.T
	log    *eventlog.Log
	store  *countedStore
	o      options
	http   *httptest.Server
	client *http.Client // does not follow redirects
}

// options of a server. The zero value is good.
type options struct {
	router router.Options
	log    eventlog.Options
	prefix string // under which it is mounted
}

func serve(t *testing.T) *server { return serveWith(t, options{}) }

func serveWith(t *testing.T, o options) *server {
	t.Helper()
	s := &server{T: t, o: o, store: &countedStore{Store: eventlogtest.NewStore()}}
	s.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *server) open() {
	s.Helper()
	log, err := eventlog.New(s.store, &s.o.log)
	s.ok(err)
	handler, err := router.New(log, streamer.New(log, nil), &s.o.router)
	s.ok(err)
	s.log, s.http = log, httptest.NewServer(http.StripPrefix(s.o.prefix, handler))
}

func (s *server) close() {
	s.client.CloseIdleConnections()
	s.http.Close()
	s.ok(s.log.Close())
}

// restart closes the server and its log, and opens them again.
func (s *server) restart() {
	s.Helper()
	s.close()
	s.o.log.KeepOpen = true
	s.open()
}

func (s *server) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// countedStore counts its Updates, and fails them when the test says so.
type countedStore struct {
	store.Store
	updates atomic.Int64
	broken  atomic.Bool
}

var errBroken = errors.New("input/output error")

func (s *countedStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.updates.Add(1)
	if s.broken.Load() {
		return errBroken
	}
	return s.Store.Update(ctx, fn)
}

// answer is the answer of a server.
type answer struct {
	*testing.T
	request string
	status  int
	header  http.Header
	body    string // not read for streams
}

// do sends a request. Headers are given as "Name: value"; Host is one of them. A nil body
// is not a body.
func (s *server) do(method, path string, body io.Reader, headers ...string) *answer {
	s.Helper()
	a, err := s.try(method, path, body, headers...)
	s.ok(err)
	return a
}

// try is do for other goroutines than the test's own.
func (s *server) try(method, path string, body io.Reader, headers ...string) (*answer, error) {
	r, err := http.NewRequestWithContext(s.Context(), method, s.http.URL+s.o.prefix+path, body)
	if err != nil {
		return nil, err
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if r.Header.Add(name, value); name == "Host" {
			r.Host = value
		}
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	a := &answer{T: s.T, request: method + " " + path, status: res.StatusCode, header: res.Header}
	if res.Header.Get("Content-Type") != "text/event-stream" {
		var text []byte
		if text, err = io.ReadAll(res.Body); err != nil {
			return a, err
		}
		a.body = string(text)
	}
	asDescribed(s.T, method, path, a.status, a.header, a.body)
	return a, nil
}

func (s *server) get(path string, headers ...string) *answer {
	s.Helper()
	return s.do(http.MethodGet, path, nil, headers...)
}

func (s *server) post(path, body string, headers ...string) *answer {
	s.Helper()
	return s.do(http.MethodPost, path, bodyOf(body), headers...)
}

func (s *server) put(path, body string, headers ...string) *answer {
	s.Helper()
	return s.do(http.MethodPut, path, bodyOf(body), headers...)
}

func (s *server) delete(path string, headers ...string) *answer {
	s.Helper()
	return s.do(http.MethodDelete, path, nil, headers...)
}

func bodyOf(text string) io.Reader {
	if text == "" {
		return nil
	}
	return strings.NewReader(text)
}

// is checks the status.
func (a *answer) is(status int) *answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("%s was answered %d, not %d: %s", a.request, a.status, status, a.body)
	}
	return a
}

// has checks a header.
func (a *answer) has(name, value string) *answer {
	a.Helper()
	if got := a.header.Values(name); !slices.Equal(got, []string{value}) {
		a.Errorf("%s was answered with %s %q, not %q", a.request, name, got, value)
	}
	return a
}

// problem checks that the answer is a problem with this status and field, ""
// for none.
func (a *answer) problem(status int, field string) *answer {
	a.Helper()
	a.is(status).has("Content-Type", "application/problem+json").has("Cache-Control", "no-store")
	var p map[string]any
	a.decode(&p)
	for _, name := range []string{"type", "title", "detail"} {
		if text, _ := p[name].(string); text == "" {
			a.Errorf("%s: the problem has no %s: %s", a.request, name, a.body)
		}
	}
	if p["status"] != float64(status) {
		a.Errorf("%s: the problem has another status than its answer, %d: %s", a.request, status, a.body)
	}
	if got, given := p["field"]; given != (field != "") || given && got != field {
		a.Errorf("%s: the problem should have field %q: %s", a.request, field, a.body)
	}
	return a
}

// says checks that the body contains a text.
func (a *answer) says(text string) *answer {
	a.Helper()
	if !strings.Contains(a.body, text) {
		a.Errorf("%s: the answer does not say %q: %s", a.request, text, a.body)
	}
	return a
}

func (a *answer) decode(v any) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.Fatalf("%s: %v: %q", a.request, err, a.body)
	}
}

// object decodes the body and returns it.
func (a *answer) object() map[string]any {
	a.Helper()
	var o map[string]any
	a.decode(&o)
	return o
}

// text returns a string of the body's object.
func (a *answer) text(name string) string {
	a.Helper()
	text, ok := a.object()[name].(string)
	if !ok {
		a.Fatalf("%s: the answer has no text %q: %s", a.request, name, a.body)
	}
	return text
}

var placeholders = map[string]*regexp.Regexp{
	"<time>":    regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`),
	"<session>": regexp.MustCompile(`^[A-Za-z0-9]{16,40}$`),
	"<cursor>":  regexp.MustCompile(`^[A-Za-z0-9]{16,40}:(0|[1-9][0-9]*)$`),
}

// json checks that the body is exactly this JSON. The strings "<time>", "<session>" and
// "<cursor>" stand for any such text.
func (a *answer) json(want string) *answer {
	a.Helper()
	var gotValue, wantValue any
	a.decode(&gotValue)
	if err := json.Unmarshal([]byte(want), &wantValue); err != nil {
		a.Fatalf("%v: %s", err, want)
	}
	if why := differ("", gotValue, wantValue); why != "" {
		a.Errorf("%s: %s\n got %s\nwant %s", a.request, why, a.body, want)
	}
	return a
}

func differ(at string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		if names, wanted := slices.Sorted(maps.Keys(object)), slices.Sorted(maps.Keys(want)); !slices.Equal(names, wanted) {
			return fmt.Sprintf("%s has the fields %q, not %q", at, names, wanted)
		}
		for name := range want {
			if why := differ(at+"."+name, object[name], want[name]); why != "" {
				return why
			}
		}
		return ""
	case []any:
		array, ok := got.([]any)
		if !ok || len(array) != len(want) {
			return fmt.Sprintf("%s is %v, not an array of %d", at, got, len(want))
		}
		for i := range want {
			if why := differ(fmt.Sprintf("%s[%d]", at, i), array[i], want[i]); why != "" {
				return why
			}
		}
		return ""
	case string:
		if pattern := placeholders[want]; pattern != nil {
			if text, _ := got.(string); !pattern.MatchString(text) {
				return fmt.Sprintf("%s is %v, not a %s", at, got, want)
			}
			return ""
		}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("%s is %v, not %v", at, got, want)
	}
	return ""
}

// say is the JSON of an event.
func say(content string) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // a string can be encoded
	}
	return `{"type":"assistant","data":{"content":` + string(text) + `}}`
}

// saying is an event like that of say, with a content of this size.
func saying(bytes int) string {
	return `{"type":"assistant","data":{"content":"` + strings.Repeat("x", bytes) + `"}}`
}

const complete = `{"type":"complete","data":{}}`

// start starts a session and returns its id.
func (s *server) start(task string) string {
	s.Helper()
	return s.post("/tasks/"+task+"/sessions", "").is(http.StatusCreated).text("id")
}

// append appends to the latest session of a task, or a new one, and returns its id.
func (s *server) append(task string, events ...string) string {
	s.Helper()
	return s.post("/tasks/"+task+"/events", "["+strings.Join(events, ",")+"]").is(http.StatusOK).text("session")
}

// eventsPage is the answer of GET …/events.
type eventsPage struct {
	Events []envelope `json:"events"`
	Next   string     `json:"next"`
}

type envelope struct {
	ID       string
	Task     string
	Session  string
	Sequence uint64
	Time     string
	Type     string
	Actor    string
	Data     json.RawMessage
}

// content is the content of an event of say, else the type.
func (e *envelope) content() string {
	var data struct{ Content *string }
	if json.Unmarshal(e.Data, &data) == nil && data.Content != nil {
		return *data.Content
	}
	return e.Type
}

// events reads the answer of a path of events.
func (s *server) events(path string) eventsPage {
	s.Helper()
	var p eventsPage
	s.get(path).is(http.StatusOK).decode(&p)
	return p
}

// contents are the contents of events.
func (p eventsPage) contents() string {
	var all []string
	for i := range p.Events {
		all = append(all, p.Events[i].content())
	}
	return strings.Join(all, " ")
}

// holds checks the events at a path.
func (s *server) holds(path, contents string) eventsPage {
	s.Helper()
	p := s.events(path)
	if got := p.contents(); got != contents {
		s.Errorf("GET %s has the events %q, not %q", path, got, contents)
	}
	return p
}

// handle sends a request to a handler, without a server between them.
func handle(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// request is one for handle.
func request(method, path string, body []byte) *http.Request {
	return httptest.NewRequest(method, "http://localhost"+path, bytes.NewReader(body))
}

// rawRequest sends the bytes of one request, and returns the answer.
func rawRequest(s *server, text string) string {
	s.Helper()
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	s.ok(err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	s.ok(err)
	all, err := io.ReadAll(conn)
	s.ok(err)
	return string(all)
}
