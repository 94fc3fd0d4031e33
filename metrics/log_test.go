package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"jrweb/eventlog"
)

func TestAppendsAreCounted(t *testing.T) {
	for name, test := range map[string]struct {
		events []eventlog.Event
		want   series
	}{
		"each event by its type": {
			[]eventlog.Event{thought(), thought(), event("assistant", `{"content":"done"}`)},
			series{
				"append_seconds": 1, "append_batch_events": 1,
				`events_appended_total{type="thought"}`:   2,
				`events_appended_total{type="assistant"}`: 1,
			},
		},
		"a type of the user's own is other": {
			[]eventlog.Event{event("deploy", `{}`), event("other", `{}`)},
			series{
				"append_seconds": 1, "append_batch_events": 1,
				`events_appended_total{type="other"}`: 2,
			},
		},
		"the end of a session": {
			[]eventlog.Event{thought(), event("complete", `{"status":"failed"}`)},
			series{
				"append_seconds": 1, "append_batch_events": 1, "sessions_open": -1,
				`events_appended_total{type="thought"}`:  1,
				`events_appended_total{type="complete"}`: 1,
				`sessions_sealed_total{status="failed"}`: 1,
			},
		},
		"what agents cost": {
			[]eventlog.Event{
				event("cost", `{"usd":0.25,"input_tokens":900,"output_tokens":40,"cache_read_tokens":7,"cache_write_tokens":3,"model":"opus"}`),
				event("cost", `{"usd":0.5,"input_tokens":1}`),
			},
			series{
				"append_seconds": 1, "append_batch_events": 1,
				`events_appended_total{type="cost"}`:                  2,
				`agent_cost_usd_total{model="opus"}`:                  0.25,
				`agent_tokens_total{kind="input",model="opus"}`:       900,
				`agent_tokens_total{kind="output",model="opus"}`:      40,
				`agent_tokens_total{kind="cache_read",model="opus"}`:  7,
				`agent_tokens_total{kind="cache_write",model="opus"}`: 3,
				`agent_cost_usd_total{model="unknown"}`:               0.5,
				`agent_tokens_total{kind="input",model="unknown"}`:    1,
			},
		},
		"a cumulative cost adds what it exceeds the last one by": {
			[]eventlog.Event{
				event("cost", `{"usd":1,"model":"opus","scope":"cumulative"}`),
				event("cost", `{"usd":1.5,"model":"opus","scope":"cumulative"}`),
			},
			series{
				"append_seconds": 1, "append_batch_events": 1,
				`events_appended_total{type="cost"}`: 2,
				`agent_cost_usd_total{model="opus"}`: 1.5,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, reg := newMetrics(t)
			session := start(t, openLog(t, m), "t-1")
			before := scrape(t, reg)
			appendTo(t, session, test.events...)
			expect(t, scrape(t, reg).since(before), test.want)
		})
	}
}

func TestBatchSizesAndTimesAreObserved(t *testing.T) {
	m, reg := newMetrics(t)
	session := start(t, openLog(t, m), "t-1")
	appendTo(t, session, thought(), thought(), thought())
	appendTo(t, session, thought())
	families := gather(t, reg)
	if sum := families["jrweb_append_batch_events"].GetMetric()[0].GetHistogram().GetSampleSum(); sum != 4 {
		t.Errorf("sum of the batches is %v, want 4", sum)
	}
	if sum := families["jrweb_append_seconds"].GetMetric()[0].GetHistogram().GetSampleSum(); sum <= 0 {
		t.Errorf("two commits took %v seconds", sum)
	}
}

func TestFailedAppendsAreCountedByReason(t *testing.T) {
	errRefused := errors.New("not on a Friday")
	for name, test := range map[string]struct {
		reason string
		batch  func(sealed *eventlog.Session) eventlog.Batch
		err    error // of middleware; nil: the log's own
	}{
		"no such session": {"not_found", func(s *eventlog.Session) eventlog.Batch {
			return eventlog.Batch{Task: "t-2", Session: s.ID(), Events: []eventlog.Event{thought()}}
		}, nil},
		"a sealed session": {"sealed", func(s *eventlog.Session) eventlog.Batch {
			return eventlog.Batch{Task: s.Task(), Session: s.ID(), Events: []eventlog.Event{thought()}}
		}, nil},
		"a field that is wrong": {"invalid", func(s *eventlog.Session) eventlog.Batch {
			return eventlog.Batch{Task: s.Task(), Events: []eventlog.Event{event("thought", `{}`)}}
		}, nil},
		"an event that is too large": {"too_large", func(s *eventlog.Session) eventlog.Batch {
			long := event("thought", `{"content":"`+strings.Repeat("m", 200)+`"}`)
			return eventlog.Batch{Task: s.Task(), Events: []eventlog.Event{long}}
		}, nil},
		"a key with another body": {"key_reused", func(s *eventlog.Session) eventlog.Batch {
			return eventlog.Batch{
				Task: s.Task(), Session: s.ID(), Events: []eventlog.Event{thought()},
				Key: eventlog.Key{ID: "once", Digest: [32]byte{2}},
			}
		}, nil},
		"a context that ends":            {"canceled", whole, fmt.Errorf("wrapped: %w", context.Canceled)},
		"a context that runs out":        {"canceled", whole, context.DeadlineExceeded},
		"a closed log":                   {"closed", whole, eventlog.ErrClosed},
		"a full disk":                    {"full", whole, fmt.Errorf("wrapped: %w", eventlog.ErrFull)},
		"a write that failed":            {"not_committed", whole, fmt.Errorf("wrapped: %w", eventlog.ErrNotCommitted)},
		"an engine that does not answer": {"unsettled", whole, fmt.Errorf("wrapped: %w", eventlog.ErrUnsettled)},
		"a log that failed, whatever else the error wraps": {
			"failed", whole, fmt.Errorf("%w: %w", eventlog.ErrFailed, eventlog.ErrDamaged),
		},
		"a damaged record":           {"damaged", whole, &eventlog.DamageError{}},
		"a cursor that is none":      {"invalid", whole, eventlog.ErrMalformed},
		"middleware's own objection": {"other", whole, errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			m, reg := newMetrics(t)
			log, err := eventlog.Open(t.TempDir()+"/jr.db", &eventlog.Options{
				Trace: m.LogTrace(), MaxEventBytes: 100,
				Middleware: []eventlog.Middleware{func(next eventlog.AppendFunc) eventlog.AppendFunc {
					return func(ctx context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
						if b.Task == "refused" {
							return eventlog.Appended{}, test.err
						}
						return next(ctx, b)
					}
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			session := start(t, log, "t-1")
			_, err = log.Append(t.Context(), &eventlog.Batch{
				Task: "t-1", Session: session.ID(), Events: []eventlog.Event{thought(), event("complete", `{}`)},
				Key: eventlog.Key{ID: "once", Digest: [32]byte{1}},
			})
			if err != nil {
				t.Fatal(err)
			}

			before := scrape(t, reg)
			batch := test.batch(session)
			if _, err := log.Append(t.Context(), &batch); err == nil {
				t.Fatal("the append did not fail")
			}
			expect(t, scrape(t, reg).since(before), series{`append_errors_total{reason="` + test.reason + `"}`: 1})
		})
	}
}

// whole is a batch that only middleware refuses.
func whole(*eventlog.Session) eventlog.Batch {
	return eventlog.Batch{Task: "refused", Events: []eventlog.Event{thought()}}
}

func TestOpenSessionsGoUpAndDown(t *testing.T) {
	m, reg := newMetrics(t)
	log := openLog(t, m)
	check := func(after string, want series) {
		t.Helper()
		got := scrape(t, reg)
		for name, v := range want {
			if got[name] != v {
				t.Errorf("after %s: %s is %v, want %v", after, name, got[name], v)
			}
		}
	}
	first := start(t, log, "t-1")
	start(t, log, "t-2")
	check("two starts", series{"sessions_open": 2})
	start(t, log, "t-1")
	check("a start that supersedes", series{"sessions_open": 2, `sessions_sealed_total{status="interrupted"}`: 1})
	if err := first.Complete(t.Context(), eventlog.Canceled, ""); !errors.Is(err, eventlog.ErrSealed) {
		t.Fatal(err)
	}
	if err := log.DeleteTask(t.Context(), "t-2"); err != nil {
		t.Fatal(err)
	}
	check("the deletion of an open one", series{"sessions_open": 1, `sessions_sealed_total{status="interrupted"}`: 1})
}

func TestSessionsSealedAtOpenAreCounted(t *testing.T) {
	path := t.TempDir() + "/jr.db"
	log, err := eventlog.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	start(t, log, "t-1")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}

	m, reg := newMetrics(t)
	log, err = eventlog.Open(path, &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	m.CollectLog(log)
	got := scrape(t, reg)
	if got[`sessions_sealed_total{status="interrupted"}`] != 1 || got["sessions_open"] != 0 {
		t.Errorf("got %v", got)
	}
}

func TestSizesAreThoseOfTheFiles(t *testing.T) {
	m, reg := newMetrics(t)
	path := t.TempDir() + "/jr.db"
	log, err := eventlog.Open(path, &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	m.CollectLog(log)
	big := event("thought", `{"content":"`+strings.Repeat("m", 1<<20)+`"}`)
	appendTo(t, start(t, log, "t-1"), big, big)

	files := int64(0)
	for _, suffix := range []string{"", "-journal.0", "-journal.1"} {
		file, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		files += file.Size()
	}
	families := gather(t, reg)
	size := value(families["jrweb_log_size_bytes"].GetMetric()[0])
	if size != float64(files) {
		t.Errorf("the size is %v, database and journal have %d bytes", size, files)
	}
	if free := value(families["jrweb_log_free_bytes"].GetMetric()[0]); free <= 0 || free >= size {
		t.Errorf("%v of %v bytes are free", free, size)
	}
}

func TestStateIsMissingWithoutALogThatWorks(t *testing.T) {
	m, reg := newMetrics(t)
	missing := func(when string) {
		t.Helper()
		families := gather(t, reg)
		for _, name := range []string{"jrweb_sessions_open", "jrweb_log_size_bytes", "jrweb_log_free_bytes"} {
			if families[name] != nil {
				t.Errorf("%s there is %s", when, name)
			}
		}
	}
	missing("before CollectLog")

	log, err := eventlog.Open(t.TempDir()+"/jr.db", &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		t.Fatal(err)
	}
	m.CollectLog(log)
	var wg sync.WaitGroup
	wg.Go(func() { // scrapes during the end of the log
		for log.Err() == nil {
			if _, err := reg.Gather(); err != nil {
				t.Error(err)
			}
		}
	})
	err = log.Close()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	missing("after Close")

	openLog(t, m)
	if _, there := scrape(t, reg)["sessions_open"]; !there {
		t.Error("the next log does not take its place")
	}
}

func TestModelsAreBounded(t *testing.T) {
	m, reg := newMetrics(t)
	session := start(t, openLog(t, m), "t-1")
	var costs []eventlog.Event
	for i := range 150 {
		costs = append(costs, event("cost", fmt.Sprintf(`{"usd":1,"input_tokens":2,"model":"model-%d"}`, i)))
	}
	costs = append(costs, event("cost", `{"usd":1,"model":"model-0"}`), event("cost", `{"usd":1,"model":"other"}`), event("cost", `{"usd":1}`))
	appendTo(t, session, costs...)

	models := 0
	got := scrape(t, reg)
	for name := range got {
		if strings.HasPrefix(name, "agent_cost_usd_total") {
			models++
		}
	}
	if models != 101 {
		t.Errorf("there are %d values of model, want 100 and other", models)
	}
	for name, want := range (series{
		`agent_cost_usd_total{model="model-0"}`:          2,
		`agent_cost_usd_total{model="model-99"}`:         1,
		`agent_cost_usd_total{model="other"}`:            52,
		`agent_tokens_total{kind="input",model="other"}`: 100,
	}) {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if _, there := got[`agent_cost_usd_total{model="model-100"}`]; there {
		t.Error("the 101st model has a series of its own")
	}
}

// Committed runs between the commit and the answers to all its writers.
func TestCountingAnEventAllocatesNothing(t *testing.T) {
	m, _ := newMetrics(t)
	trace := m.LogTrace()
	known, own := thought(), event("deploy", `{}`)
	allocs := testing.AllocsPerRun(1000, func() {
		trace.Committed(&known)
		trace.Committed(&own)
	})
	if allocs != 0 {
		t.Errorf("%v allocations for two events", allocs)
	}
}

func TestDamagedRecordsAreCounted(t *testing.T) {
	m, reg := newMetrics(t)
	before := scrape(t, reg)
	m.LogTrace().Damaged(&eventlog.DamageError{})
	expect(t, scrape(t, reg).since(before), series{"damaged_records_total": 1})
}
