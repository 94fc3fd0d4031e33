package spool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/router/client"
	"jrweb/streamer"
)

const task = "t-1"

// home is a server, a way to it that can break, and a folder for spools.
type home struct {
	*testing.T
	log    *eventlog.Log
	server spool.Server
	dir    string
	mu     sync.Mutex
	breaks func(*http.Request) fault // nil: never
	broke  func()                    // is called after a fault

	answers func(*http.Request) *http.Response // in place of the server, unless nil
}

// fault is what becomes of a request.
type fault int

const (
	fine    fault = iota
	lost          // the request does not arrive
	silence       // the answer does not arrive
)

var errBroken = errors.New("the connection is broken")

// RoundTrip implements [http.RoundTripper].
func (h *home) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	what := fine
	if h.breaks != nil {
		what = h.breaks(r)
	}
	h.mu.Unlock()
	if h.answers != nil {
		if res := h.answers(r); res != nil {
			return res, nil
		}
	}
	if what == lost {
		h.broke()
		return nil, errBroken
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && what == silence {
		err = errors.Join(errBroken, res.Body.Close())
		res = nil
		h.broke() // not before: it is done
	}
	return res, err
}

func newHome(t *testing.T, o *eventlog.Options) *home {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	handler, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	h := &home{T: t, log: log, dir: filepath.Join(t.TempDir(), "state", "spool")}
	c, err := client.New(s.URL, &client.Options{Transport: h})
	if err != nil {
		t.Fatal(err)
	}
	h.server = spool.To(c)
	return h
}

func (h *home) create() *spool.Writer {
	h.Helper()
	w, err := spool.Create(h.dir, spool.Run{Task: task, Agent: "sh", To: "http://localhost", LeaseSeconds: 60})
	if err != nil {
		h.Fatal(err)
	}
	return w
}

func (h *home) deliver(w *spool.Writer) *spool.Delivery {
	h.Helper()
	d, err := spool.Deliver(w)
	if err != nil {
		h.Fatal(err)
	}
	return d
}

func (h *home) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func says(n int) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeAssistant, Time: time.Now(), Data: json.RawMessage(fmt.Sprintf(`{"content":"%d"}`, n))}
}

func end(status string) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeComplete, Time: time.Now(), Data: json.RawMessage(`{"status":"` + status + `"}`)}
}

// sessions are what the log holds, oldest session first: for each the contents,
// messages and statuses of its events.
func (h *home) sessions() [][]string {
	h.Helper()
	infos, err := h.log.Sessions(h.Context(), task, eventlog.SessionID{}, 1000)
	if errors.Is(err, eventlog.ErrTaskNotFound) {
		return nil
	}
	h.ok(err)
	slices.Reverse(infos)
	var all [][]string
	for _, info := range infos {
		var texts []string
		for e, err := range h.log.Session(task, info.ID).Events(h.Context(), 0) {
			h.ok(err)
			var data struct{ Content, Message, Status string }
			h.ok(json.Unmarshal(e.Data, &data))
			texts = append(texts, data.Content+data.Message+data.Status)
		}
		all = append(all, texts)
	}
	return all
}

func (h *home) want(want ...[]string) {
	h.Helper()
	if got := h.sessions(); fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("the log holds %q\nwant %q", got, want)
	}
}

func (h *home) wantNothingLeft() {
	h.Helper()
	entries, err := os.ReadDir(h.dir)
	h.ok(err)
	if len(entries) > 0 {
		h.Errorf("%v is left", entries)
	}
}

func TestARunIsDeliveredWhileItGoesOn(t *testing.T) {
	h := newHome(t, nil)
	w := h.create()
	d := h.deliver(w)
	done := make(chan error)
	go func() { done <- d.To(t.Context(), h.server) }()
	watch := h.log.Watch(task)
	defer watch.Close()
	h.ok(w.Append(says(1), says(2)))
	for {
		changed := watch.Changed()
		if all := h.sessions(); len(all) == 1 && len(all[0]) == 2 {
			break
		}
		<-changed
	}
	h.ok(w.Append(says(3)))
	h.ok(w.End(end("failed")))
	h.ok(<-done)
	h.want([]string{"1", "2", "3", "failed"})
	h.ok(errors.Join(d.Remove(), d.Close(), w.Close()))
	h.wantNothingLeft()
}

// Whatever breaks, and wherever the process dies: each event once, in order.
func TestNothingIsLostOrDoubledByBrokenConnectionsAndDeaths(t *testing.T) {
	deaths := 0
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			h := newHome(t, nil)
			h.breaks = func(*http.Request) fault { return fault(random.IntN(3)) }
			// Each life of the process has some requests. The client would repeat
			// them for long: the context ends with the first that breaks.
			live := func(d *spool.Delivery, deliver func(context.Context, spool.Server) error) (all bool) {
				t.Helper()
				ctx, die := context.WithCancel(t.Context())
				defer die()
				h.broke = die
				err := deliver(ctx, h.server)
				if err != nil && ctx.Err() == nil {
					t.Fatal(err)
				}
				if err != nil {
					deaths++
				} else if d.Run().Late {
					h.ok(d.Remove())
				}
				h.ok(d.Close())
				return err == nil
			}
			w := h.create()
			var want []string
			for n := 1; n <= 3000; { // more comes between a request and its repeat
				var events []eventlog.Event
				for range 1 + random.IntN(50) {
					events = append(events, says(n))
					want = append(want, fmt.Sprint(n))
					n++
				}
				h.ok(w.Append(events...))
				d := h.deliver(w)
				live(d, d.Rest)
			}
			h.ok(w.End(end("succeeded")))
			h.ok(w.Close())
			want = append(want, "succeeded")
			paths, err := spool.Paths(h.dir)
			h.ok(err)
			for all := false; !all; {
				d, err := spool.Open(paths[0])
				h.ok(err)
				all = live(d, d.To)
			}
			h.breaks = nil
			h.want(want)
			h.wantNothingLeft()
		})
	}
	if deaths < 20 {
		t.Errorf("only %d times something broke", deaths)
	}
}

// A session that ended while the server was out of reach is not written to, and
// not what is lost.
func TestARunGoesOnInAnotherSessionWhenItsOwnHasEnded(t *testing.T) {
	h := newHome(t, nil)
	w := h.create()
	d := h.deliver(w)
	h.ok(w.Append(says(1)))
	ctx, stop := context.WithCancel(t.Context())
	d.Moved = func() {
		if all := h.sessions(); len(all) == 1 && len(all[0]) == 1 {
			stop()
		}
	}
	if err := d.To(ctx, h.server); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.ok(h.log.Session(task, d.Session()).Complete(t.Context(), eventlog.Interrupted, "lease expired"))
	h.ok(w.Append(says(2)))
	h.ok(w.End(end("succeeded")))
	d.Moved = nil
	h.ok(d.To(t.Context(), h.server))
	h.want([]string{"1", "interrupted"}, []string{"2", "succeeded"})
	h.ok(errors.Join(d.Close(), w.Close()))
}

// Two runs of one task at a time: the later one ends the session of the earlier one,
// which goes on in another, and ends nobody's.
func TestTwoRunsOfOneTaskLeaveEachOtherAlone(t *testing.T) {
	h := newHome(t, nil)
	var runs []*spool.Writer
	for range 2 {
		w := h.create()
		defer w.Close()
		runs = append(runs, w)
	}
	var deliveries []*spool.Delivery
	for _, w := range runs {
		d := h.deliver(w)
		defer d.Close()
		deliveries = append(deliveries, d)
	}
	for n := range 3 {
		for i, d := range deliveries {
			h.ok(runs[i].Append(says(10*n + i)))
			h.ok(d.Rest(t.Context(), h.server))
		}
	}
	for i, d := range deliveries {
		h.ok(runs[i].End(end("succeeded")))
		h.ok(d.To(t.Context(), h.server))
	}
	h.want([]string{"0", "interrupted"}, []string{"1", "11", "21", "succeeded"}, []string{"10", "20", "succeeded"})
}

// Somebody ended the session, and nothing came after it: no other one is made.
func TestNoSessionIsMadeForAnEndAlone(t *testing.T) {
	h := newHome(t, nil)
	w := h.create()
	d := h.deliver(w)
	ctx, stop := context.WithCancel(t.Context())
	d.Moved = stop
	if err := d.To(ctx, h.server); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.ok(h.log.Session(task, d.Session()).Complete(t.Context(), eventlog.Canceled, "it hangs"))
	h.ok(w.End(end("failed")))
	d.Moved = nil
	h.ok(d.To(t.Context(), h.server))
	h.want([]string{"canceled"})
	h.ok(errors.Join(d.Close(), w.Close()))
}

func TestARecordingThatWasBrokenOffIsInterrupted(t *testing.T) {
	h := newHome(t, nil)
	w := h.create()
	h.ok(w.Append(says(1), says(2)))
	h.ok(w.Close())
	paths, err := spool.Paths(h.dir)
	h.ok(err)
	f, err := os.OpenFile(paths[0], os.O_WRONLY|os.O_APPEND, 0)
	h.ok(err)
	_, err = io.WriteString(f, `{"type":"assistant","actor":"agent","ti`) // a kill within a line
	h.ok(errors.Join(err, f.Close()))
	d, err := spool.Open(paths[0])
	h.ok(err)
	h.ok(d.To(t.Context(), h.server))
	h.want([]string{"1", "2", "interrupted"})
	h.ok(errors.Join(d.Remove(), d.Close()))
	h.wantNothingLeft()
}

func TestWhatAServerRefusesIsReplacedByAWordAboutIt(t *testing.T) {
	h := newHome(t, &eventlog.Options{MaxEventBytes: 1000})
	w := h.create()
	large := says(2)
	large.Data = json.RawMessage(`{"content":"` + strings.Repeat("x", 2000) + `"}`)
	h.ok(w.Append(says(1), large, says(3)))
	h.ok(w.End(end("succeeded")))
	d := h.deliver(w)
	h.ok(d.To(t.Context(), h.server))
	all := h.sessions()
	if len(all) != 1 || len(all[0]) != 4 || all[0][0] != "1" || !strings.Contains(all[0][1], "is missing here") ||
		all[0][2] != "3" || all[0][3] != "succeeded" {
		t.Errorf("%q", all)
	}
	h.ok(errors.Join(d.Close(), w.Close()))
}

func TestASpoolHasOneOwner(t *testing.T) {
	h := newHome(t, nil)
	w := h.create()
	paths, err := spool.Paths(h.dir)
	h.ok(err)
	if _, err := spool.Open(paths[0]); !errors.Is(err, spool.ErrBusy) {
		t.Errorf("a spool that is written: %v", err)
	}
	h.ok(w.Close())
	d, err := spool.Open(paths[0])
	h.ok(err)
	if _, err := spool.Open(paths[0]); !errors.Is(err, spool.ErrBusy) {
		t.Errorf("a spool that is delivered: %v", err)
	}
	h.ok(d.Close())
}

// Of a process that died while it made a spool nothing is left that is delivered, or
// that keeps a spool of the same name from being made.
func TestASpoolIsMadeWholeOrNotAtAll(t *testing.T) {
	h := newHome(t, nil)
	h.ok(os.MkdirAll(h.dir, 0o700))
	half := filepath.Join(h.dir, "kept.new")
	h.ok(os.WriteFile(half, []byte(strings.Repeat("half a spool\n", 1000)), 0o600))
	if paths, err := spool.Paths(h.dir); err != nil || len(paths) > 0 {
		t.Errorf("%q, %v", paths, err)
	}
	f, err := os.Open(half)
	h.ok(err)
	h.ok(syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	if _, _, err := spool.Resume(h.dir, "kept", spool.Run{Task: task, To: "http://localhost"}, nil); !errors.Is(err, spool.ErrBusy) {
		t.Errorf("while another process makes it: %v", err)
	}
	h.ok(f.Close())
	w, n, err := spool.Resume(h.dir, "kept", spool.Run{Task: task, To: "http://localhost"}, nil)
	h.ok(err)
	h.ok(w.Append(says(1)))
	d := h.deliver(w)
	h.ok(d.Rest(t.Context(), h.server))
	h.want([]string{"1"})
	h.ok(errors.Join(d.Close(), w.Close()))
	w, again, err := spool.Resume(h.dir, "kept", spool.Run{Task: task, To: "http://localhost"}, nil)
	h.ok(err)
	if n != 0 || again != 1 {
		t.Errorf("it has %d events, and later %d", n, again)
	}
	d = h.deliver(w)
	h.ok(errors.Join(d.Remove(), d.Close(), w.Close()))
	h.wantNothingLeft()
}

func TestASpoolThatIsGoneIsNotDamaged(t *testing.T) {
	h := newHome(t, nil)
	h.ok(h.create().Close())
	paths, err := spool.Paths(h.dir)
	h.ok(err)
	d, err := spool.Open(paths[0])
	h.ok(err)
	h.ok(errors.Join(d.Remove(), d.Close()))
	if _, err := spool.Open(paths[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoSpoolStaysAsItIs(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "half a line": `{"id":"x"`, "no JSON": "hello\n", "no run": "{}\n", "no place": `{"id":"a","task":"t-1"}` + "\n",
		"not where it is": `{"id":"a","task":"t-1","to":"http://localhost"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.run")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := spool.Open(path); err == nil || !strings.Contains(err.Error(), path[:len(path)-4]) {
				t.Errorf("%v", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != content {
				t.Errorf("it is %q now, %v", got, err)
			}
		})
	}
}

func TestAFolderThatDoesNotExistHasNoSpools(t *testing.T) {
	if paths, err := spool.Paths(filepath.Join(t.TempDir(), "none")); err != nil || paths != nil {
		t.Error(paths, err)
	}
}

// A proxy may answer for a server that restarts.
func TestAStartThatNobodyKnowsIsTriedAgain(t *testing.T) {
	h := newHome(t, nil)
	var tries int
	h.answers = func(r *http.Request) *http.Response {
		if tries++; tries > 1 {
			return nil
		}
		return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Request: r}
	}
	w := h.create()
	h.ok(w.Append(says(1)))
	h.ok(w.End(end("succeeded")))
	d := h.deliver(w)
	h.ok(d.To(t.Context(), h.server))
	h.want([]string{"1", "succeeded"})
	h.ok(errors.Join(d.Close(), w.Close()))
}
