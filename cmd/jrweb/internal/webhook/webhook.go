// Package webhook tells another server what people wait for: that a task has ended, or
// that it waits for them.
//
//		hook := webhook.New(webhook.Options{URL: url, Key: key, Logger: logger})
//		defer hook.Close()
//		trace = trace.Join(hook.Trace()) // of the log
//
//	  - It never blocks the log: what happens waits in a queue that is bounded in number and
//	    in bytes. What finds it full is dropped, and the log says how much.
//	  - A message is sent until it is taken, or [mostAttempts] times, with pauses that grow.
//	    So it may arrive twice: its id stays the same. One that waits for its next attempt
//	    holds up no other: what is new is sent at once, and may overtake it.
//	  - Requests are signed as Standard Webhooks says: webhook-id, webhook-timestamp and
//	    webhook-signature, an HMAC-SHA256.
//	  - The queue is in memory. What waits when the server ends is lost.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

const (
	// mostWaiting is how many messages may wait, and mostBytes how long they may be together:
	// a question may be as long as an event.
	mostWaiting = 1000
	mostBytes   = 16 << 20
	// mostAttempts is how often a message is sent, with pauses from firstPause to mostPause
	// between: together more than an hour.
	mostAttempts = 8
	firstPause   = time.Second
	mostPause    = time.Hour
	// timeout is how long an attempt may take.
	timeout = 15 * time.Second
	// news is how long ago a run may have ended: what is imported later is not news.
	news = time.Hour
)

// Options are the settings of a [Hook].
type Options struct {
	URL string
	// Key signs the requests.
	Key []byte
	// Transport sends them. Nil: the default one.
	Transport http.RoundTripper
	Logger    *slog.Logger
}

// Hook sends messages. Its methods may be called concurrently.
type Hook struct {
	o       Options
	client  *http.Client
	queue   chan *message
	waiting atomic.Int64 // messages that are neither taken nor given up
	bytes   atomic.Int64 // of them
	dropped atomic.Int64
	cancel  context.CancelFunc
	ended   sync.WaitGroup
}

type message struct {
	id       string
	body     []byte
	attempts int
	pause    time.Duration
	due      time.Time
}

// New starts a hook. Close it.
func New(o Options) *Hook {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hook{o: o, queue: make(chan *message, mostWaiting), cancel: cancel}
	h.client = &http.Client{
		Transport: o.Transport, Timeout: timeout,
		// What is signed is for the server of the URL, and for nobody that it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	h.ended.Go(func() { h.work(ctx) })
	return h
}

// Close ends the hook. What is not sent is lost, and the log says how much that is.
func (h *Hook) Close() {
	h.cancel()
	h.ended.Wait()
	if n := h.waiting.Load(); n > 0 {
		h.o.Logger.Warn("webhook: the server ends before all is sent", "lost", n)
	}
}

// Trace tells the hook what happens in a log.
func (h *Hook) Trace() *eventlog.Trace {
	return &eventlog.Trace{
		Sealed: func(s eventlog.SessionInfo) { h.sealed(&s) },
		Asked:  h.asked,
	}
}

// subject is what a message is about.
type subject struct {
	Task    string             `json:"task"`
	Session eventlog.SessionID `json:"session"`
	// Path leads to the page, below the address of the server.
	Path   string          `json:"path"`
	Status eventlog.Status `json:"status"`
	Reason string          `json:"reason,omitempty"`
	Agent  string          `json:"agent,omitempty"`
	Model  string          `json:"model,omitempty"`
	// Of a run that has ended.
	Started *eventlog.Time   `json:"started,omitempty"`
	Ended   *eventlog.Time   `json:"ended,omitempty"`
	Totals  *eventlog.Totals `json:"totals,omitempty"`
	// Of one that waits.
	Sequence uint64          `json:"sequence,omitempty"`
	Question json.RawMessage `json:"question,omitempty"`
}

func about(task string, session eventlog.SessionID) subject {
	return subject{Task: task, Session: session, Path: fmt.Sprintf("tasks/%s?session=%s", task, session)}
}

func (h *Hook) sealed(s *eventlog.SessionInfo) {
	kind := map[eventlog.Status]string{
		eventlog.Succeeded: "task.finished", eventlog.Failed: "task.failed",
		eventlog.Canceled: "task.canceled", eventlog.Interrupted: "task.interrupted",
	}[s.Status]
	if s.Reason == "superseded" || time.Since(s.Ended.Time) > news {
		return // it goes on, or is long over
	}
	m := about(s.Task, s.ID)
	m.Status, m.Reason, m.Agent, m.Model = s.Status, s.Reason, s.Agent, s.Model
	m.Started, m.Ended, m.Totals = &s.Started, &s.Ended, &s.Totals
	h.put(kind, m)
}

func (h *Hook) asked(task string, session eventlog.SessionID, e *eventlog.Event) {
	if time.Since(e.Time) > news {
		return
	}
	m := about(task, session)
	m.Status, m.Sequence, m.Question = eventlog.StatusOpen, e.Sequence, e.Data
	h.put("task.waits", m)
}

// Budget is what a message about a budget says.
type Budget struct {
	USD    float64 `json:"usd"`
	Period string  `json:"period"` // day, week or month
	Since  string  `json:"since"`  // its first day, UTC
	Spent  float64 `json:"spent_usd"`
	// Estimated says that some of it is estimated.
	Estimated bool `json:"estimated"`
	// Path leads to the page, below the address of the server.
	Path string `json:"path"`
}

// Spent sends that a budget is nearly spent, or passed.
func (h *Hook) Spent(passed bool, b Budget) {
	kind := "budget.near"
	if passed {
		kind = "budget.passed"
	}
	b.Path = "usage"
	h.put(kind, b)
}

func (h *Hook) put(kind string, data any) {
	body, err := json.Marshal(struct {
		Type      string        `json:"type"`
		Timestamp eventlog.Time `json:"timestamp"`
		Data      any           `json:"data"`
	}{kind, eventlog.Time{Time: time.Now()}, data})
	if err != nil {
		panic("webhook: " + err.Error()) // our own types, and JSON of the log
	}
	waiting, size := h.waiting.Add(1), h.bytes.Add(int64(len(body)))
	if waiting > mostWaiting || size > mostBytes {
		h.forget(body)
		h.dropped.Add(1)
		return
	}
	h.queue <- &message{id: "msg_" + rand.Text(), body: body, pause: firstPause} // there is room for all that may wait
}

func (h *Hook) work(ctx context.Context) {
	var later []*message // the one that is due first stands first
	for {
		var due <-chan time.Time
		if len(later) > 0 {
			due = time.After(time.Until(later[0].due))
		}
		var m *message
		select {
		case m = <-h.queue:
		default:
			select {
			case m = <-h.queue:
			case <-due:
				m, later = later[0], later[1:]
			case <-ctx.Done():
				return
			}
		}
		if h.deliver(ctx, m) {
			at, _ := slices.BinarySearchFunc(later, m.due, func(a *message, due time.Time) int { return a.due.Compare(due) })
			later = slices.Insert(later, at, m)
		}
		if ctx.Err() != nil {
			return
		}
		if n := h.dropped.Swap(0); n > 0 {
			h.o.Logger.Warn("webhook: too much waited, some messages were dropped", "dropped", n)
		}
	}
}

// deliver sends a message once, and tells whether it is to be sent again, when it is due.
func (h *Hook) deliver(ctx context.Context, m *message) bool {
	again, err := h.send(ctx, m)
	if err != nil && ctx.Err() != nil {
		return false // it counts as one that waits
	}
	m.attempts++
	if again && m.attempts < mostAttempts {
		m.due, m.pause = time.Now().Add(m.pause), min(4*m.pause, mostPause)
		return true
	}
	h.forget(m.body)
	if err != nil {
		h.o.Logger.Warn("webhook: a message was not taken", "id", m.id, "attempts", m.attempts, "error", err)
	}
	return false
}

// forget makes room where a message was.
func (h *Hook) forget(body []byte) {
	h.waiting.Add(-1)
	h.bytes.Add(-int64(len(body)))
}

// send sends a message once. Again says that it is worth another attempt.
func (h *Hook) send(ctx context.Context, m *message) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.o.URL, bytes.NewReader(m.body))
	if err != nil {
		return false, withoutURL(err)
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "jrweb")
	r.Header.Set("Webhook-Id", m.id)
	r.Header.Set("Webhook-Timestamp", now)
	r.Header.Set("Webhook-Signature", sign(h.o.Key, m.id, now, m.body))
	res, err := h.client.Do(r)
	if err != nil {
		return true, withoutURL(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	_ = res.Body.Close()
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return false, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return true, fmt.Errorf("the answer was %d", code)
	default:
		return false, fmt.Errorf("the answer was %d", code)
	}
}

// sign is the signature of Standard Webhooks.
func sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
