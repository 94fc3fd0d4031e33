package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// answering returns a client whose server always gives the same answer.
func answering(t *testing.T, status int, contentType, body string) *client.Client {
	t.Helper()
	c, err := client.New("http://localhost", &client.Options{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var line = []byte(`{"type":"thought","data":{"content":"hm"}}` + "\n")

func TestAnAppendWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lost := 0
		c := w.client(func(next http.RoundTripper) http.RoundTripper {
			return transportFunc(func(r *http.Request) (*http.Response, error) {
				res, err := next.RoundTrip(r)
				if err != nil || lost == 3 {
					return res, err
				}
				lost++
				res.Body.Close()
				switch lost {
				case 1: // the connection breaks before the answer
					return nil, io.ErrUnexpectedEOF
				case 2: // within the answer
					res.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"sess`), broken{}))
					return res, nil
				default: // a proxy in between fails
					return &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody, Request: r}, nil
				}
			})
		})
		first, err := c.Append(t.Context(), "t-1", client.Append{Body: line})
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Append(t.Context(), "t-1", client.Append{Session: first.Session, Body: line})
		if err != nil {
			t.Fatal(err)
		}
		if lost != 3 || first.First != 1 || first.Last != 1 || second.First != 2 || second.Session != first.Session {
			t.Errorf("after %d losses: first %+v, second %+v", lost, first, second)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAttemptsAreBoundedAndOnlyForWhatIsUnknown(t *testing.T) {
	for _, c := range []struct {
		status, attempts int
		took             time.Duration
	}{
		{http.StatusServiceUnavailable, 8, 11300 * time.Millisecond},
		{http.StatusConflict, 1, 0},
		{http.StatusUnprocessableEntity, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			keys := map[string]bool{}
			attempts := 0
			server, err := client.New("http://localhost/prefix", &client.Options{Token: "secret", Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				attempts++
				keys[r.Header.Get("Idempotency-Key")] = true
				if r.URL.Path != "/prefix/tasks/t-1/events" || r.Header.Get("Authorization") != "Bearer secret" {
					t.Errorf("request %s, %v", r.URL, r.Header)
				}
				body := `{"title":"T","detail":"D","field":"F","status":1}`
				return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = server.Append(t.Context(), "t-1", client.Append{Body: line})
			refused, ok := errors.AsType[*client.Error](err)
			if !ok || *refused != (client.Error{Status: c.status, Title: "T", Detail: "D", Field: "F"}) {
				t.Errorf("error %#v", err)
			}
			if attempts != c.attempts || len(keys) != 1 || keys[""] || time.Since(start) != c.took {
				t.Errorf("status %d: %d attempts with keys %v in %v, want %d with one in %v", c.status, attempts, keys, time.Since(start), c.attempts, c.took)
			}
		})
	}
}

func TestErrorsOfOthersThanTheServer(t *testing.T) {
	c := answering(t, http.StatusNotFound, "text/html", "<h1>nginx</h1>")
	err := c.DeleteTask(t.Context(), "t-1")
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != 404 || refused.Title != "Not Found" {
		t.Errorf("error %#v", err)
	}
	if _, err := answering(t, http.StatusOK, "text/html", "<h1>nginx</h1>").Task(t.Context(), "t-1"); err == nil {
		t.Error("a page was taken for a task")
	}
}

func TestURLs(t *testing.T) {
	for _, url := range []string{"", "localhost:7070", "ftp://a", "http://", "http://a\x7f", "/tasks"} {
		if _, err := client.New(url, nil); err == nil {
			t.Errorf("%q is taken for the URL of a server", url)
		}
	}
	for _, task := range []string{"", ".", "..", "a/b", "a?b", "ä"} {
		if err := answering(t, 204, "", "").DeleteTask(t.Context(), task); !errors.Is(err, client.ErrTaskID) {
			t.Errorf("task %q: error %v", task, err)
		}
	}
}

func TestTheLifeOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, ctx := w.client(nil), t.Context()
		s, err := c.Start(ctx, "t-1", client.Start{Agent: "jr", Model: "m", ExternalID: "x", Lease: time.Minute})
		if err != nil || s.Agent != "jr" || s.Model != "m" || s.ExternalID != "x" || s.Status != eventlog.StatusOpen {
			t.Fatalf("start: %+v, %v", s, err)
		}
		if err := c.Heartbeat(ctx, "t-1", s.ID); err != nil {
			t.Errorf("heartbeat: %v", err)
		}
		end, err := c.Complete(ctx, "t-1", s.ID, client.Complete{Status: eventlog.Failed, Reason: "no luck"})
		if err != nil || end.Status != eventlog.Failed || end.Reason != "no luck" || end.Head != 1 {
			t.Errorf("complete: %+v, %v", end, err)
		}
		if _, err := c.Complete(ctx, "t-1", s.ID, client.Complete{}); !isStatus(err, http.StatusConflict) {
			t.Errorf("a second complete: %v", err)
		}
		if err := c.Heartbeat(ctx, "t-1", s.ID); !isStatus(err, http.StatusConflict) {
			t.Errorf("heartbeat of a sealed session: %v", err)
		}
		_, err = c.Append(ctx, "t-1", client.Append{Body: []byte(`{"type":"thought","data":{}}`)})
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != 422 || refused.Field != "data.content" {
			t.Errorf("a bad event: %#v", err)
		}
		if task, err := c.Task(ctx, "t-1"); err != nil || task.Status != eventlog.Failed || task.Sessions != 1 {
			t.Errorf("task: %+v, %v", task, err)
		}
		if err := c.DeleteSession(ctx, "t-1", s.ID); err != nil {
			t.Errorf("delete the session: %v", err)
		}
		if err := c.DeleteTask(ctx, "t-1"); err != nil {
			t.Errorf("delete the task: %v", err)
		}
		if _, err := c.Task(ctx, "t-1"); !isStatus(err, http.StatusNotFound) {
			t.Errorf("a deleted task: %v", err)
		}
	})
}

func isStatus(err error, status int) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status == status
}

func TestListsAreReadPageByPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx := context.Background()
		c := w.client(nil)
		const many = 1100 // more than one page of any list
		var wg sync.WaitGroup
		for n := range many {
			wg.Go(func() {
				if _, err := w.log.Start(ctx, "t-0", nil); err != nil {
					t.Error(err)
				}
				if _, _, err := w.log.PutTask(ctx, fmt.Sprintf("t-%d", n), eventlog.TaskChange{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		tasks := map[string]bool{}
		for task, err := range c.Tasks(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			tasks[task.ID] = true
		}
		sessions := map[eventlog.SessionID]bool{}
		for s, err := range c.Sessions(ctx, "t-0") {
			if err != nil {
				t.Fatal(err)
			}
			sessions[s.ID] = true
		}
		// Each session but the last has one event, the last one gets many.
		var batch []eventlog.Event
		for n := range many {
			batch = append(batch, thought(n))
		}
		latest := w.append("t-0", batch...).Session
		all, one := 0, &expect{t: t}
		for _, err := range c.Events(ctx, "t-0", eventlog.SessionID{}) {
			if err != nil {
				t.Fatal(err)
			}
			all++
		}
		for e, err := range c.Events(ctx, "t-0", latest) {
			if err != nil {
				t.Fatal(err)
			}
			one.event(e)
		}
		if len(tasks) != many || len(sessions) != many || all != 2*many-1 || one.last != many {
			t.Errorf("%d tasks, %d sessions, %d events in all, %d in the latest; want %d, %d, %d, %d",
				len(tasks), len(sessions), all, one.last, many, many, 2*many-1, many)
		}
		for _, err := range c.Events(ctx, "t-0", latest) {
			if err != nil {
				t.Error(err)
			}
			break // leaves no goroutine: the bubble would notice
		}
	})
}

func TestAPageThatIsCutIsAnError(t *testing.T) {
	c, err := client.New("http://localhost", &client.Options{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(`{"sequence":1,"type":"thought","data":{}}`+"\n"+`{"sequence":2,`), broken{})
		return &http.Response{StatusCode: 200, Body: io.NopCloser(body), Request: r}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range c.Events(t.Context(), "t-1", eventlog.SessionID{}) {
		got = append(got, fmt.Sprint(e.Sequence, " ", err != nil))
	}
	if fmt.Sprint(got) != "[1 false 0 true]" {
		t.Errorf("got %q, want the first event and then an error", got)
	}
}
