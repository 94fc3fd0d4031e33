package router_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
)

// download is an answer of which the client takes nothing.
type download struct {
	*httptest.ResponseRecorder
	once sync.Once
	cut  chan struct{} // closed when it had to give up
	done chan struct{}
}

func beginDownload(ctx context.Context, h http.Handler, path string) *download {
	d := &download{ResponseRecorder: httptest.NewRecorder(), cut: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(d.done)
		h.ServeHTTP(d, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil))
	}()
	return d
}

// Write waits like a connection with full buffers, if it writes an answer and not a
// problem.
func (d *download) Write(p []byte) (int, error) {
	if d.Code != http.StatusOK {
		return d.ResponseRecorder.Write(p)
	}
	<-d.cut
	return 0, os.ErrDeadlineExceeded
}

// SetWriteDeadline makes the write fail once the deadline is past.
func (d *download) SetWriteDeadline(at time.Time) error {
	if !at.IsZero() && !at.After(time.Now()) {
		d.once.Do(func() { close(d.cut) })
	}
	return nil
}

// On every route with large answers, clients that take nothing of them hold no more than
// the budget. A well-behaved client is served as soon as it repeats its request.
func TestAnswersShareABudget(t *testing.T) {
	for name, path := range map[string]string{
		"events": "/tasks/t-1/events?limit=10000", "tasks": "/tasks?limit=1000", "a page": "/",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, log := handler(t, eventlogtest.NewStore())
				defer log.Close()
				big := strings.Repeat("x", 60<<10)
				for range 20 {
					if w := handle(h, request("POST", "/tasks/t-1/events", []byte(say(big)))); w.Code != http.StatusOK {
						t.Fatal(w.Body)
					}
				}
				if w := handle(h, request("PUT", "/tasks/t-1", []byte(`{"description":"`+big+`"}`))); w.Code != http.StatusOK {
					t.Fatal(w.Body)
				}
				one := max(handle(h, request("GET", path, nil)).Body.Len(), 64<<10)
				router.SetAnswerBudget(h, int64(one)*16)
				var silent []*download
				refused := 0
				for range 40 {
					d := beginDownload(t.Context(), h, path)
					synctest.Wait()
					silent = append(silent, d)
					if d.Code == http.StatusServiceUnavailable && d.Header().Get("Retry-After") != "" {
						refused++
					}
				}
				if refused < 20 || refused == 40 {
					t.Errorf("%d of 40 were refused", refused)
				}
				if w := handle(h, request("POST", "/tasks/t-1/events", []byte(say("x")))); w.Code != http.StatusOK {
					t.Errorf("an append beside them is answered %d", w.Code)
				}
				served := 0
				for range 5 {
					time.Sleep(3 * time.Second)
					if w := handle(h, request("GET", path, nil)); w.Code == http.StatusOK {
						served++
					}
				}
				if served < 2 {
					t.Errorf("a client that repeats its request is served %d times of 5", served)
				}
				for _, d := range silent {
					d.once.Do(func() { close(d.cut) })
					<-d.done
				}
				router.SetAnswerBudget(h, int64(one)*4)
				if w := handle(h, request("GET", path, nil)); w.Code != http.StatusOK {
					t.Errorf("what was held is never given back: %d %s", w.Code, w.Body)
				}
			})
		})
	}
}
