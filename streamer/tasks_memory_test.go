package streamer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
)

// perClient is more than the stream of a client that takes nothing may hold.
const perClient = 1 << 20

// liveHeap returns the bytes in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // pools are empty after two collections
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// describe makes tasks with descriptions of a size.
func describe(t *testing.T, log *eventlog.Log, tasks, bytes int) {
	t.Helper()
	description := strings.Repeat("x", bytes)
	for i := range tasks {
		if _, _, err := log.PutTask(t.Context(), fmt.Sprintf("t%d", i), eventlog.TaskChange{Description: &description}); err != nil {
			t.Fatal(err)
		}
	}
}

// silent is a client of all tasks that reads only the first line.
func (s *pipeServer) silent(t *testing.T) io.Reader {
	t.Helper()
	c, err := s.pipes.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprint(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
	readUntil(t, c, "retry: ")
	return c
}

func TestSilentClientsOfAllTasksHoldABoundedAmount(t *testing.T) {
	const clients, tasks = 10, 60
	for name, setup := range map[string]func(*pipeServer){"taken over": func(*pipeServer) {}, "left to net/http": withoutTakeOver} {
		bubble(t, name, func(t *testing.T) {
			log := openBolt(t)
			describe(t, log, tasks, 48<<10)
			server := servePipe(t, log, nil, setup)
			before := liveHeap()
			for range clients {
				server.silent(t)
			}
			synctest.Wait()
			if held := liveHeap() - before; held > clients*perClient {
				t.Errorf("%d clients hold %d KiB each", clients, held/clients>>10)
			}
		})
	}
	bubble(t, "first pages that are made whole hold more, control", func(t *testing.T) {
		log := openBolt(t)
		describe(t, log, tasks, 48<<10)
		before := liveHeap()
		var pages [][]byte
		for range clients {
			list, err := log.Tasks(t.Context(), 0, tasks)
			if err != nil {
				t.Fatal(err)
			}
			page, err := json.Marshal(list)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, page)
		}
		if held := liveHeap() - before; held < 2*clients*perClient {
			t.Errorf("they hold %d KiB each", held/clients>>10)
		}
		runtime.KeepAlive(pages)
	})
}

// A client that slowly takes 1,500 tasks, which change meanwhile, holds no more than one
// that takes nothing, and gets all of them.
func TestASlowClientOfAllTasksHoldsABoundedAmountAndGetsThemAll(t *testing.T) {
	const tasks = 1500
	bubble(t, "1,500 tasks", func(t *testing.T) {
		log := openBolt(t)
		server := servePipe(t, log, nil, nil)
		feed := server.feed(t)
		synctest.Wait() // it rests
		before := liveHeap()
		describe(t, log, tasks, 8<<10)
		time.Sleep(6 * time.Second) // a checkpoint takes what was written out of memory
		synctest.Wait()
		seen := map[string]bool{}
		for len(seen) < tasks {
			time.Sleep(20 * time.Millisecond)
			f := feed.next()
			var task eventlog.Task
			if err := json.Unmarshal([]byte(f.data), &task); err != nil || f.event != "task" {
				t.Fatalf("%.200q: %v", f.raw, err)
			}
			if seen[task.ID] {
				t.Fatalf("%s is told twice", task.ID)
			}
			if seen[task.ID] = true; len(seen)%500 == 1 {
				synctest.Wait()
				if held := liveHeap() - before; held > perClient {
					t.Errorf("after %d tasks it holds %d KiB", len(seen), held>>10)
				}
			}
		}
	})
}

// The stream of all tasks keeps all rules of streams.
func TestTheFeedEndsAtAFrameBoundaryOverAnyKindOfConnection(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			putTask(t, log, "a", "")
			server := servePipe(t, log, nil, setup)
			r := server.feed(t)
			r.wantTask(log, "a")
			putTask(t, log, "a", "b") // while it may send nothing
			begin := time.Now()
			server.streams.Shutdown()
			r.wantRetry(1000, 3000)
			r.wantEnd()
			if took := time.Since(begin); took > 0 {
				t.Errorf("it ended after %v", took)
			}
			if err := server.streams.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheFeedBeatsWhileNothingIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		server := servePipe(t, log, nil, nil)
		server.config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := server.streams.Tasks(w, r, func(task string) bool { return task == "mine" }); err != nil {
				t.Error(err)
			}
		})
		r := server.feed(t)
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					putTask(t, log, "theirs", fmt.Sprint(n))
				}
			}
		}()
		r.wantAfter(15*time.Second, beat)
		r.wantAfter(15*time.Second, beat)
		putTask(t, log, "mine", "")
		r.wantTask(log, "mine")
		close(stop)
		<-done
	})
}
