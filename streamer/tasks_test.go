package streamer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/streamer"
)

// feed opens the stream of all tasks.
func (s *pipeServer) feed(t *testing.T) *reader {
	t.Helper()
	return newReader(t, s.request(t, "GET", "/stream"))
}

func putTask(t testing.TB, log *eventlog.Log, id, title string) {
	t.Helper()
	if _, _, err := log.PutTask(t.Context(), id, eventlog.TaskChange{Title: &title}); err != nil {
		t.Fatal(err)
	}
}

// wantTask checks the next frame: the task as the log has it now.
func (r *reader) wantTask(log *eventlog.Log, id string) {
	r.t.Helper()
	now, err := log.Task(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := json.Marshal(now)
	if err != nil {
		r.t.Fatal(err)
	}
	r.want(fmt.Sprintf("event: task\ndata: %s\n\n", text))
}

func deletedTask(id string) string {
	return fmt.Sprintf("event: task_deleted\ndata: {\"id\":%q}\n\n", id)
}

func TestTheFeedBeginsWithThe200NewestTasksTheNewestLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		for i := range 230 {
			putTask(t, log, fmt.Sprintf("t%d", i), "x")
		}
		putTask(t, log, "t5", "changed") // now the newest
		r := servePipe(t, log, nil, nil).feed(t)
		for i := 31; i < 230; i++ {
			r.wantTask(log, fmt.Sprintf("t%d", i))
		}
		r.wantTask(log, "t5")
		r.wantAfter(15*time.Second, beat) // and no more
	})
}

func TestTheFeedTellsWhatChangesTwiceASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		putTask(t, log, "quiet", "")
		s := start(t, log)
		r := servePipe(t, log, nil, nil).feed(t)
		r.wantTask(log, "quiet")
		r.wantTask(log, task)

		time.Sleep(10 * time.Second)
		begin := time.Now()
		put(t, s, 1)
		r.wantTask(log, task) // at once, after a rest
		if took := time.Since(begin); took != 0 {
			t.Errorf("a change was told after %v", took)
		}

		// 10 s of an event every 10 ms.
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			for range 1000 {
				time.Sleep(10 * time.Millisecond)
				put(t, s, 1)
			}
		})
		last := time.Now()
		told := 0
		var now eventlog.Task
		for now.Totals.Events < 1001 {
			f := r.next()
			if gap := time.Since(last); gap < 500*time.Millisecond || gap > 520*time.Millisecond {
				t.Fatalf("told after %v", gap)
			}
			last = time.Now()
			told++
			if err := json.Unmarshal([]byte(f.data), &now); err != nil || now.ID != task || f.event != "task" {
				t.Fatalf("%q: %v", f.raw, err)
			}
		}
		if told < 19 || told > 21 {
			t.Errorf("told %d times in 10 s", told)
		}
		r.wantAfter(15*time.Second, beat)
	})
}

func TestTheFeedTellsOfManyChangesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		r := servePipe(t, log, nil, nil).feed(t)
		putTask(t, log, "first", "x")
		r.wantTask(log, "first") // and now it rests
		for i := range 250 {
			putTask(t, log, fmt.Sprintf("t%d", i), "x")
		}
		for i := range 250 {
			r.wantTask(log, fmt.Sprintf("t%d", i))
		}
		r.wantAfter(15*time.Second, beat)
	})
}

func TestTheFeedTellsOfDeletions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		for _, id := range []string{"a", "b", "c"} {
			putTask(t, log, id, "")
		}
		r := servePipe(t, log, nil, nil).feed(t)
		for _, id := range []string{"a", "b", "c"} {
			r.wantTask(log, id)
		}
		del := func(id string) {
			if err := log.DeleteTask(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		del("b")
		r.want(deletedTask("b"))
		// All of this happens within half a second.
		putTask(t, log, "b", "again")
		putTask(t, log, "short", "")
		del("short")
		del("a")
		putTask(t, log, "a", "new life")
		r.want(deletedTask("short"), deletedTask("a"))
		r.wantTask(log, "b")
		r.wantTask(log, "a")
	})
}

func TestTheFeedOfAnEmptyLogBeginsWithTheFirstTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		r := servePipe(t, log, nil, nil).feed(t)
		putTask(t, log, "a", `<b> "quoted"`)
		r.wantTask(log, "a")
	})
}

func TestAClientThatIsTooFarBehindBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		putTask(t, log, "first", "")
		server := servePipe(t, log, nil, nil)
		r := server.feed(t)
		r.wantTask(log, "first")
		synctest.Wait()
		for i := range 10_001 { // one more than the log remembers, within half a second
			id := fmt.Sprintf("t%d", i)
			putTask(t, log, id, "")
			if err := log.DeleteTask(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		putTask(t, log, "second", "")
		r.wantEnd()
		again := server.feed(t)
		again.wantTask(log, "first")
		again.wantTask(log, "second")
	})
}

func TestAFeedThatNobodyReadsIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		putTask(t, log, "a", "")
		server := servePipe(t, log, &streamer.Options{MaxStreams: 1}, nil)
		stalled := server.feed(t)
		stalled.wantTask(log, "a")
		time.Sleep(time.Minute) // into the first heartbeats
		next := server.feed(t)
		next.wantTask(log, "a")
		for err := error(nil); err == nil; {
			_, err = stalled.sse.next()
		}
	})
}

func TestTheFeedIsNotCountedAmongTheStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		putTask(t, log, "a", "")
		var calls atomic.Int64
		count := func() { calls.Add(1) }
		server := servePipe(t, log, &streamer.Options{MaxStreams: 1, Trace: &streamer.Trace{
			Opened: func(bool) { count() }, Closed: func(streamer.Reason) { count() }, Rejected: count,
			Sent: func(bool, int) { count() }, Wrote: func(int) { count() }, Heartbeat: count, Polled: func(bool) { count() },
		}}, nil)
		r := server.feed(t)
		r.wantTask(log, "a")
		rejected := &reader{t: t, sse: newSSEReader(server.request(t, "GET", "/stream").Body)}
		rejected.wantRetry(5000, 10_000)
		r.wantAfter(15*time.Second, beat)
		r.close()
		synctest.Wait()
		if n := calls.Load(); n != 0 {
			t.Errorf("the trace of streams was called %d times", n)
		}
	})
}

func TestAFeedOfALogThatCannotBeRead(t *testing.T) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, log, nil)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if res := server.request(t, "GET", "/stream"); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("%s", res.Status)
	}
}
