package router_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// failing is a store in memory whose commits fail and change nothing, until the test
// repairs it. While it is full, commits that may use its reserve succeed.
type failing struct {
	store.Store
	with atomic.Pointer[error]
}

func (s *failing) fail(err error) { s.with.Store(&err) }
func (s *failing) mend()          { s.with.Store(nil) }

type failingTx struct {
	store.Tx
	useReserve bool
}

func (t *failingTx) UseReserve() { t.useReserve = true }

func (s *failing) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		t := &failingTx{Tx: tx}
		err := fn(t)
		if with := s.with.Load(); err == nil && with != nil && !t.useReserve {
			err = fmt.Errorf("%w: as the test wants it", *with)
		}
		return err
	})
}

func TestAFullDiskIs507ForWhatTakesRoomAlone(t *testing.T) {
	store := &failing{Store: eventlogtest.NewStore()}
	h, log := handler(t, store)
	defer log.Close()
	ask := func(status int, method, path, body string, headers ...string) string {
		t.Helper()
		r := request(method, path, []byte(body))
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Set(name, value)
		}
		w := handle(h, r)
		if w.Code != status {
			t.Errorf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
		}
		if status == http.StatusInsufficientStorage && !strings.Contains(w.Body.String(), `"type":"urn:jrweb:problem:full"`) {
			t.Errorf("%s %s: %s", method, path, w.Body)
		}
		return w.Body.String()
	}
	ask(200, "POST", "/tasks/t-1/events", say("before"))
	ask(200, "POST", "/tasks/t-2/events", say("before"))
	sessions, err := log.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	session := "/tasks/t-1/sessions/" + sessions[0].ID.String()

	store.fail(eventlog.ErrFull)
	const key = "Idempotency-Key: once"
	ask(507, "POST", "/tasks/t-1/events", say("full"), key)
	ask(507, "POST", session+"/events", say("full"))
	ask(507, "POST", "/tasks/t-3/sessions", "")
	ask(507, "POST", "/tasks/t-3/events", `{"type":"complete","data":{}}`)
	ask(507, "PUT", "/tasks/t-3", `{"title":"new"}`)
	ask(404, "GET", "/tasks/t-3", "")
	ask(200, "GET", "/readyz", "")
	ask(204, "POST", session+"/heartbeat", "")
	if events := ask(200, "GET", "/tasks/t-1/events", ""); !strings.Contains(events, "before") || strings.Contains(events, "full") {
		t.Errorf("the events are %s", events)
	}
	ask(200, "POST", "/tasks/t-2/events", `{"type":"complete","data":{}}`)
	ask(204, "DELETE", "/tasks/t-2", "")

	store.mend()
	ask(200, "POST", "/tasks/t-1/events", say("full"), key) // a refusal is not stored with the key
	ask(200, "POST", session+"/complete", "")
}

func TestACommitThatFailsIs503AndTheLogGoesOn(t *testing.T) {
	for problem, err := range map[string]error{"not_committed": eventlog.ErrNotCommitted, "unsettled": eventlog.ErrUnsettled} {
		store := &failing{Store: eventlogtest.NewStore()}
		h, log := handler(t, store)
		defer log.Close()
		store.fail(err)
		w := handle(h, request("POST", "/tasks/t-1/events", []byte(say("x"))))
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"type":"urn:jrweb:problem:`+problem+`"`) {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
		store.mend()
		if w := handle(h, request("POST", "/tasks/t-1/events", []byte(say("x")))); w.Code != http.StatusOK {
			t.Errorf("after %v: %d %s", err, w.Code, w.Body)
		}
	}
}
