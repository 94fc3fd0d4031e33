package router_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
)

// upload is a request whose body the test sends in parts.
type upload struct {
	*httptest.ResponseRecorder
	in   *io.PipeReader
	out  *io.PipeWriter
	done chan struct{}
}

// SetReadDeadline makes a read fail once the deadline is past, as a connection does.
func (u *upload) SetReadDeadline(at time.Time) error {
	if !at.IsZero() && !at.After(time.Now()) {
		return u.in.CloseWithError(os.ErrDeadlineExceeded)
	}
	return nil
}

func beginUpload(ctx context.Context, h http.Handler) *upload {
	u := &upload{ResponseRecorder: httptest.NewRecorder(), done: make(chan struct{})}
	u.in, u.out = io.Pipe()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/tasks/t-1/events", u.in)
	go func() {
		defer close(u.done)
		h.ServeHTTP(u, r)
		u.in.Close()
	}()
	return u
}

// say sends a part of the body. The server may no longer read it.
func (u *upload) say(text string) { _, _ = io.WriteString(u.out, text) }

func budgeted(t *testing.T) (h http.Handler, used *atomic.Int64) {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	used = new(atomic.Int64)
	h, err = router.New(log, nil, &router.Options{
		MaxRequestBytes: 1 << 20, RequestBudget: 4 << 20,
		Trace: &router.Trace{Bodies: func(delta int64) { used.Add(delta) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, used
}

const budgetEvent = `{"type":"thought","data":{"content":"x"}}`

// Thirty bodies that never end hold no more than the budget. Other requests are answered
// 503 at once, and accepted once the slow bodies have lost their room.
func TestBodiesShareABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, used := budgeted(t)
		var slow []*upload
		half := `{"type":"thought","data":{"content":"` + strings.Repeat("x", 900<<10)
		for range 30 {
			u := beginUpload(t.Context(), h)
			u.say(half)
			slow = append(slow, u)
		}
		synctest.Wait()
		if n := used.Load(); n > 4<<20 || n < 3<<20 {
			t.Errorf("the bodies take %d bytes", n)
		}
		refused := 0
		for _, u := range slow {
			select {
			case <-u.done:
				refused++
				if u.Code != http.StatusServiceUnavailable || u.Header().Get("Retry-After") == "" {
					t.Fatalf("answered %d %s", u.Code, u.Body)
				}
			default:
			}
		}
		if refused < 25 || refused == 30 {
			t.Errorf("%d of 30 were refused", refused)
		}
		// A well-behaved client repeats its request as the answer says.
		wantServed(t, h, half+`"}}`, 20)
		for _, u := range slow {
			u.out.Close()
			<-u.done
		}
		if n := used.Load(); n != 0 {
			t.Errorf("%d bytes are never given back", n)
		}
	})
}

// Bodies of which a byte comes each second hold their room only until others need it.
func TestABodyThatDripsGivesItsRoomUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := budgeted(t)
		half := `{"type":"thought","data":{"content":"` + strings.Repeat("x", 900<<10)
		var dripping []*upload
		for range 4 {
			u := beginUpload(t.Context(), h)
			u.say(half)
			dripping = append(dripping, u)
			go func() {
				for {
					select {
					case <-u.done:
						return
					case <-time.After(time.Second):
						u.say("x")
					}
				}
			}()
		}
		time.Sleep(time.Minute)
		wantServed(t, h, half+`"}}`, 10)
		for _, u := range dripping {
			u.out.Close()
			<-u.done
		}
	})
}

func TestABodyThatComesSlowlyGoesOnWhileThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := budgeted(t)
		u := beginUpload(t.Context(), h)
		for i := range budgetEvent {
			u.say(budgetEvent[i : i+1])
			time.Sleep(20 * time.Second)
		}
		u.out.Close()
		if <-u.done; u.Code != http.StatusOK {
			t.Errorf("answered %d %s", u.Code, u.Body)
		}
	})
}

// Bodies of the largest size fit, one after the other, and several together.
func TestTheBudgetHoldsNobodyUp(t *testing.T) {
	h, used := budgeted(t)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range 20 {
				w := httptest.NewRecorder()
				body := `{"type":"thought","data":{"content":"` + strings.Repeat("x", 1<<20-100) + `"}}`
				h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/tasks/t-1/events", strings.NewReader(body)))
				if w.Code != http.StatusOK {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
			}
		})
	}
	all.Wait()
	if n := used.Load(); n != 0 {
		t.Errorf("%d bytes are never given back", n)
	}
}

// wantServed repeats a request each second, as its answer says, until it is served.
func wantServed(t *testing.T, h http.Handler, body string, tries int) {
	t.Helper()
	for range tries {
		u := beginUpload(t.Context(), h)
		u.say(body)
		u.out.Close()
		<-u.done
		if u.Code == http.StatusOK {
			return
		}
		time.Sleep(time.Second) // of the bubble
	}
	t.Error("a client that repeats its request is never served")
}
