package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
)

// receiver takes requests, in a bubble.
type receiver struct {
	answers []int // statuses, in turn; 0: the connection breaks; then 200
	blocks  bool
	got     []*http.Request
	bodies  []string
	at      []time.Duration
	began   time.Time
}

// RoundTrip implements [http.RoundTripper].
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.got, r.bodies, r.at = append(r.got, req), append(r.bodies, string(body)), append(r.at, time.Since(r.began))
	if r.blocks {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	status := 200
	if n := len(r.got); n <= len(r.answers) {
		status = r.answers[n-1]
	}
	if status == 0 {
		return nil, errors.New("the connection broke")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("")), Header: http.Header{}}, nil
}

var key = []byte("0123456789abcdef0123456789abcdef")

// in runs a test in a bubble, with a hook to r.
func in(t *testing.T, r *receiver, test func(*testing.T, *eventlog.Trace, *strings.Builder)) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r.began = time.Now()
		h := New(Options{URL: "https://example.org/secret-path", Key: key, Transport: r, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		defer h.Close()
		test(t, h.Trace(), &log)
		synctest.Wait()
		if strings.Contains(log.String(), "secret-path") {
			t.Errorf("the log holds the URL: %s", &log)
		}
	})
}

func ended(status eventlog.Status, reason string) eventlog.SessionInfo {
	now := eventlog.Time{Time: time.Now()}
	return eventlog.SessionInfo{Task: "t-1", ID: eventlog.SessionID{1}, Status: status, Reason: reason, Started: now, Ended: now}
}

func TestWhatPeopleWaitForIsTold(t *testing.T) {
	r := &receiver{}
	in(t, r, func(t *testing.T, trace *eventlog.Trace, _ *strings.Builder) {
		trace.Sealed(ended(eventlog.Succeeded, ""))
		trace.Sealed(ended(eventlog.Failed, "exit code 1"))
		trace.Sealed(ended(eventlog.Interrupted, "superseded"))
		old := ended(eventlog.Succeeded, "")
		old.Ended.Time = time.Now().Add(-2 * news)
		trace.Sealed(old)
		trace.Asked("t-2", eventlog.SessionID{2}, &eventlog.Event{Sequence: 7, Time: time.Now(), Data: json.RawMessage(`{"content":"May I?"}`)})
		synctest.Wait()
		var types []string
		for i, body := range r.bodies {
			var m struct {
				Type string
				Data struct {
					Task, Path string
					Question   struct{ Content string }
				}
			}
			if err := json.Unmarshal([]byte(body), &m); err != nil {
				t.Fatal(err)
			}
			types = append(types, m.Type+" "+m.Data.Task+" "+m.Data.Question.Content)
			if want := "tasks/" + m.Data.Task + "?session="; !strings.HasPrefix(m.Data.Path, want) {
				t.Errorf("path %q", m.Data.Path)
			}
			h := r.got[i].Header
			if want := sign(key, h.Get("webhook-id"), h.Get("webhook-timestamp"), []byte(body)); h.Get("webhook-signature") != want {
				t.Errorf("signature %q, want %q", h.Get("webhook-signature"), want)
			}
		}
		if want := []string{"task.finished t-1 ", "task.failed t-1 ", "task.waits t-2 May I?"}; !slices.Equal(types, want) {
			t.Errorf("got %q, want %q", types, want)
		}
	})
}

// The example of the specification.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := OpenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAMessageIsSentUntilItIsTaken(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []int
		want    []time.Duration // of the attempts
		gone    bool            // and it is given up
	}{
		{"taken at once", nil, []time.Duration{0}, false},
		{"taken after breaks and failures", []int{0, 503, 429}, []time.Duration{0, 1, 5, 21}, false},
		{"refused for good", []int{410}, []time.Duration{0}, true},
		{"a redirect is not followed", []int{302}, []time.Duration{0}, true},
		{"never taken", []int{500, 500, 500, 500, 500, 500, 500, 500, 500}, []time.Duration{0, 1, 5, 21, 85, 341, 1365, 4965}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver{answers: c.answers}
			in(t, r, func(t *testing.T, trace *eventlog.Trace, log *strings.Builder) {
				trace.Sealed(ended(eventlog.Succeeded, ""))
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				for i := range c.want {
					c.want[i] *= time.Second
				}
				if !slices.Equal(r.at, c.want) {
					t.Errorf("sent after %v, want %v", r.at, c.want)
				}
				for _, req := range r.got {
					if req.Header.Get("webhook-id") != r.got[0].Header.Get("webhook-id") {
						t.Error("another attempt has another id")
					}
				}
				if told := strings.Contains(log.String(), "was not taken"); told != c.gone {
					t.Errorf("the log says %q", log)
				}
			})
		})
	}
}

// A receiver that does not answer costs the log nothing, however much happens.
func TestTheLogNeverWaitsForAWebhook(t *testing.T) {
	r := &receiver{blocks: true}
	in(t, r, func(t *testing.T, trace *eventlog.Trace, log *strings.Builder) {
		before := time.Now()
		for range 3 * mostWaiting {
			trace.Sealed(ended(eventlog.Succeeded, ""))
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if !strings.Contains(log.String(), fmt.Sprintf("dropped=%d", 2*mostWaiting-1)) && !strings.Contains(log.String(), fmt.Sprintf("dropped=%d", 2*mostWaiting)) {
			t.Errorf("the log says %q", log)
		}
	})
}

// What waits for its next attempt holds up nothing that is new.
func TestAMessageThatIsNotTakenHoldsUpNoOther(t *testing.T) {
	r := &receiver{answers: []int{500, 200, 500}}
	in(t, r, func(t *testing.T, trace *eventlog.Trace, _ *strings.Builder) {
		trace.Sealed(ended(eventlog.Succeeded, ""))
		synctest.Wait()
		trace.Sealed(ended(eventlog.Failed, ""))
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []time.Duration{0, 0, time.Second, 5 * time.Second}; !slices.Equal(r.at, want) {
			t.Errorf("sent after %v, want %v", r.at, want)
		}
		first, second := r.got[0].Header.Get("webhook-id"), r.got[1].Header.Get("webhook-id")
		if first == second || r.got[2].Header.Get("webhook-id") != first || r.got[3].Header.Get("webhook-id") != first {
			t.Error("another message was sent again")
		}
	})
}

// Questions may be as long as events. What waits of them is bounded.
func TestLongQuestionsWaitInBoundedMemory(t *testing.T) {
	r := &receiver{blocks: true}
	in(t, r, func(t *testing.T, trace *eventlog.Trace, log *strings.Builder) {
		long := json.RawMessage(`{"content":"` + strings.Repeat("x", 1<<20) + `"}`)
		for range 100 {
			trace.Asked("t-1", eventlog.SessionID{1}, &eventlog.Event{Sequence: 1, Time: time.Now(), Data: long})
		}
		// When those that wait are given up there is room again.
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if !strings.Contains(log.String(), "dropped=85") {
			t.Errorf("the log says %q", log)
		}
		r.blocks = false
		trace.Sealed(ended(eventlog.Succeeded, ""))
		synctest.Wait()
		if last := r.bodies[len(r.bodies)-1]; !strings.Contains(last, "task.finished") {
			t.Errorf("the last body is %.100s", last)
		}
	})
}

// A server that ends tells what it has not sent, the message on its way included.
func TestTheEndOfTheServerTellsWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		h := New(Options{URL: "https://example.org", Key: key, Transport: &receiver{answers: []int{500}, began: time.Now()}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		trace := h.Trace()
		trace.Sealed(ended(eventlog.Succeeded, ""))
		synctest.Wait()
		h.Close()
		if !strings.Contains(log.String(), "lost=1") {
			t.Errorf("the log says %q", &log)
		}
	})
}

func TestAKeyIsMadeForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	made, err := OpenKey(path)
	if err != nil || len(made) != 32 {
		t.Fatal(made, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	again, err := OpenKey(path)
	if err != nil || string(again) != string(made) {
		t.Error("another key", err)
	}
	if err := os.WriteFile(path, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
