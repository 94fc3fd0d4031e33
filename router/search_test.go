package router_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/router"
	"jrweb/streamer"
)

// searchAnswer is the answer to a search, as a client reads it.
type searchAnswer struct {
	Hits []struct {
		ID, Task, Title, Type, Tool, Agent string
		Line                               []string
	}
	Next string
	Back *string
	Done bool
}

func searchFor(query string) string { return "/search?q=" + url.QueryEscape(query) }

func (s *server) search(path string) (found searchAnswer) {
	s.Helper()
	s.get(path).is(200).decode(&found)
	return found
}

func (a searchAnswer) tasks() string {
	var tasks []string
	for _, h := range a.Hits {
		tasks = append(tasks, h.Task)
	}
	return strings.Join(tasks, " ")
}

func TestAllRunsAreSearched(t *testing.T) {
	s := serve(t)
	s.append("t-1", say("a needle"), complete)
	s.append("t-2", say("hay"), `{"type":"tool_call","data":{"tool":"grep","args":{"pattern":"Nee\u0064le"},"call_id":"c"}}`)
	s.put("/tasks/t-2", `{"title":"The second"}`).is(200)
	found := s.search(searchFor("needle"))
	if found.tasks() != "t-2 t-1" || !found.Done || found.Next != "" || found.Back == nil {
		t.Fatalf("found %+v", found)
	}
	if h := found.Hits[0]; h.Title != "The second" || h.Type != "tool_call" || h.Tool != "grep" || !slices.Equal(h.Line, []string{"", "Needle", ""}) || !strings.HasSuffix(h.ID, ":2") {
		t.Errorf("the first hit is %+v", h)
	}
	// What has just committed is found.
	s.append("t-3", say("one more needle"))
	if found := s.search(searchFor("needle type:assistant")); found.tasks() != "t-3 t-1" {
		t.Errorf("found %s", found.tasks())
	}
	if found := s.search(searchFor("nowhere")); len(found.Hits) != 0 || !found.Done {
		t.Errorf("found %+v", found)
	}
}

func TestASearchGoesOnFromPageToPage(t *testing.T) {
	s := serve(t)
	for n := range 7 {
		s.append(fmt.Sprintf("t-%d", n), say("needle"), say("hay"), say("needle"))
	}
	var ids []string
	path := searchFor("needle") + "&limit=3"
	for after := ""; ; {
		page := s.search(path + "&after=" + url.QueryEscape(after))
		for _, h := range page.Hits {
			ids = append(ids, h.ID)
		}
		if len(page.Hits) > 3 {
			t.Fatalf("a page has %d hits", len(page.Hits))
		}
		s.append("t-new", say("needle")) // it began before
		if after = page.Next; after == "" {
			break
		}
	}
	if len(ids) != 14 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 14 {
		t.Errorf("found %d: %v", len(ids), ids)
	}
}

func TestASearchThatIsWrongSaysWhatIs(t *testing.T) {
	s := serve(t)
	for path, field := range map[string]string{
		"/search": "q", "/search?q=": "q", searchFor(`"open`): "q", searchFor("foo:bar"): "foo", searchFor("status:done"): "status",
		searchFor("after:soon"): "after", searchFor("x") + "&limit=0": "limit", searchFor("x") + "&limit=1001": "limit",
		searchFor("x") + "&after=1:2": "after", searchFor("x") + "&foo=1": "foo", "/search?q=%ff": "q", searchFor(strings.Repeat("x", 1025)): "q",
	} {
		s.get(path).problem(400, field)
	}
	s.get(searchFor("foo:bar"), "Accept: text/html").is(400).has("Content-Type", htmlType).says("foo is no filter")
}

// Lines of NDJSON come as hits are found, and the last one says where to continue.
func TestASearchStreams(t *testing.T) {
	s := serve(t)
	for n := range 3 {
		s.append(fmt.Sprintf("t-%d", n), say("needle"), complete)
	}
	a := s.get(searchFor("needle")+"&limit=2", "Accept: application/x-ndjson").is(200).has("Content-Type", "application/x-ndjson")
	var tasks []string
	var last map[string]any
	for line := range strings.Lines(a.body) {
		last = map[string]any{}
		s.ok(json.Unmarshal([]byte(line), &last))
		if hit, is := last["hit"].(map[string]any); is {
			tasks = append(tasks, hit["task"].(string))
		}
	}
	if len(tasks) != 2 || last["done"] != false || last["next"] == "" || last["back"] == nil {
		t.Errorf("got %v, then %v", tasks, last)
	}
}

func TestASearchIsAPage(t *testing.T) {
	s := serve(t)
	s.append("t-1", say("the <needle> here"), complete)
	a := s.get(searchFor("<needle> type:assistant"), "Accept: text/html").is(200).has("Content-Type", htmlType)
	for _, want := range []string{
		"<mark>&lt;needle&gt;</mark>", `href="tasks/t-1?around=1&amp;find=%3Cneedle%3E&amp;session=`, `#1"`, "1 hit in all.", "</html>", `value="&lt;needle&gt; type:assistant"`,
	} {
		a.says(want)
	}
	if a.header.Get("Content-Security-Policy") == "" {
		t.Error("it has no policy")
	}
	s.get(searchFor("nowhere"), "Accept: text/html").is(200).says("Nothing was found.")
	s.get("/search", "Accept: text/html").is(200).says("What can be searched for")
	for range 60 {
		s.append("t-many", say("needle"))
	}
	s.get(searchFor("needle"), "Accept: text/html").is(200).says("50 hits so far.").says(`rel="next"`)
	// The script of the page it leads to takes the words.
	s.get("/tasks/t-1?find=needle", "Accept: text/html").is(200)
}

func TestASearchNamesNoTaskThatSomebodyDoesNotSee(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: func(a router.Access) (router.Grant, error) {
		if a.Request.Method != http.MethodGet {
			return router.Grant{Role: router.RoleAdmin}, nil
		}
		return router.Grant{Role: router.RoleRead, Sees: func(task string) bool { return task == "t-seen" }}, nil
	}}})
	s.append("t-seen", say("needle"))
	s.append("t-hidden", say("needle"))
	for _, query := range []string{"needle", "type:assistant", "needle task:t-hidden"} {
		for _, accept := range []string{"application/json", "application/x-ndjson", "text/html"} {
			a := s.get(searchFor(query), "Accept: "+accept).is(200)
			if strings.Contains(strings.ReplaceAll(a.body, "task:t-hidden", ""), "t-hidden") {
				t.Errorf("%s as %s names it: %s", query, accept, a.body)
			}
		}
	}
	if found := s.search(searchFor("needle")); found.tasks() != "t-seen" {
		t.Errorf("found %s", found.tasks())
	}
}

// steps are what happens while a request is answered: the store is read for it, hits are on
// their way.
type steps struct {
	store.Store
	*httptest.ResponseRecorder
	all []string
}

// ofRequest is in the contexts of what is done for the request.
type ofRequest struct{}

func (s *steps) View(ctx context.Context, fn func(store.Reader) error) error {
	if ctx.Value(ofRequest{}) != nil { // else the log reads something by itself
		s.all = append(s.all, "read")
	}
	return s.Store.View(ctx, fn)
}

func (s *steps) Flush() {
	if strings.Contains(s.Body.String(), "t-found") {
		s.all = append(s.all, "hit")
	}
}

// A hit is on its way when it is found, and not at the end of the search.
func TestHitsComeWhileTheSearchGoesOn(t *testing.T) {
	for accept, early := range map[string]bool{"application/x-ndjson": true, "text/html": true, "application/json": false} {
		db := &steps{Store: eventlogtest.NewStore(), ResponseRecorder: httptest.NewRecorder()}
		log, err := eventlog.New(db, nil)
		if err != nil {
			t.Fatal(err)
		}
		var events []eventlog.Event
		for n := range 900 { // more than one look has
			events = append(events, eventlog.Event{Type: "assistant", Data: fmt.Appendf(nil, `{"content":"needle %d"}`, n%100)})
		}
		if _, err := log.Append(t.Context(), &eventlog.Batch{Task: "t-found", Events: events}); err != nil {
			t.Fatal(err)
		}
		handler, err := router.New(log, streamer.New(log, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+searchFor("needle")+"&limit=1000", nil)
		r.Header.Set("Accept", accept)
		handler.ServeHTTP(db, r.WithContext(context.WithValue(r.Context(), ofRequest{}, true)))
		if hit := slices.Index(db.all, "hit"); (hit >= 0 && slices.Contains(db.all[hit:], "read")) != early {
			t.Errorf("%s: status %d, %v", accept, db.Code, db.all)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

// stalledStore is a store whose reads of searches wait until their client goes.
type stalledStore struct {
	store.Store
	stalled atomic.Bool
}

func (s *stalledStore) View(ctx context.Context, fn func(store.Reader) error) error {
	if s.stalled.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.View(ctx, fn)
}

// Only so many searches are answered at once, and one whose client goes gives its place up.
func TestASearchEndsWithItsClient(t *testing.T) {
	const atOnce = 16
	db := &stalledStore{Store: eventlogtest.NewStore()}
	log, err := eventlog.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	handler, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	search := func(ctx context.Context) (status int, retry string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+searchFor("needle"), nil)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		res, err := server.Client().Do(r)
		if err != nil {
			return 0, ""
		}
		res.Body.Close()
		return res.StatusCode, res.Header.Get("Retry-After")
	}
	db.stalled.Store(true)
	refused := make(chan string)
	var left sync.WaitGroup
	for range atOnce + 1 {
		left.Go(func() {
			if status, retry := search(ctx); status != 0 {
				refused <- fmt.Sprint(status, " ", retry)
			}
		})
	}
	if got := <-refused; got != "503 1" {
		t.Errorf("one more than may search at once is answered %s", got)
	}
	leave()
	left.Wait()
	db.stalled.Store(false)
	for status := 503; status != 200; { // until the server has seen that they are gone
		if status, _ = search(t.Context()); status != 200 && status != 503 {
			t.Fatalf("a search is answered %d", status)
		}
	}
}
