package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"jrweb/eventlog"
)

// call is a request to one session; answered is the answer.
type (
	call struct {
		session int
		append  []string // contents; none: a read after the sequence
		after   uint64
		seals   bool // the append ends with complete
	}
	answered struct {
		refused  error // nil, eventlog.ErrSealed, or context.Canceled
		first    uint64
		contents []string
		head     uint64
		sealed   bool
	}
)

// said is the state of a session in the model: everything that was ever appended.
type said struct {
	contents []string
	sealed   bool
}

// linearizable says what a session does when one call follows another. A log promises that
// every history of concurrent calls has an order, true to their times, in which these rules
// hold.
var linearizable = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var sessions [][]porcupine.Operation
		for _, o := range history {
			n := o.Input.(call).session
			for len(sessions) <= n {
				sessions = append(sessions, nil)
			}
			sessions[n] = append(sessions[n], o)
		}
		return sessions
	},
	Init: func() any { return said{} },
	Step: func(state, input, output any) (bool, any) {
		s, c, a := state.(said), input.(call), output.(answered)
		switch {
		case errors.Is(a.refused, context.Canceled):
			return true, s // and nothing has changed
		case a.refused != nil:
			return len(c.append) > 0 && s.sealed, s
		case len(c.append) == 0:
			from := min(c.after, uint64(len(s.contents)))
			return a.head == uint64(len(s.contents)) && a.sealed == s.sealed && slices.Equal(a.contents, s.contents[from:]), s
		default:
			good := !s.sealed && a.first == uint64(len(s.contents))+1
			return good, said{slices.Concat(s.contents, c.append), c.seals}
		}
	},
	Equal: func(a, b any) bool {
		x, y := a.(said), b.(said)
		return x.sealed == y.sealed && slices.Equal(x.contents, y.contents)
	},
}

// patience bounds the search for an order. If there is one, the search takes milliseconds.
const patience = time.Minute

// history records calls and their answers. A counter serves as the clock that orders them,
// so two calls that do not overlap never seem to overlap.
type history struct {
	clock atomic.Int64
	mu    sync.Mutex
	calls []porcupine.Operation
}

func (h *history) record(client int, c call, do func() answered) answered {
	from := h.clock.Add(1)
	a := do()
	to := h.clock.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: c, Call: from, Output: a, Return: to})
	return a
}

func TestAppendsAreLinearizable(t *testing.T) {
	const sessions, writers, readers, appends = 4, 64, 8, 12
	db := openStore(t, filepath.Join(t.TempDir(), "jr.db"))
	f := on(t, db, nil)
	var ids [sessions]*eventlog.Session
	for i := range ids {
		ids[i] = f.start(fmt.Sprintf("t-%d", i))
	}
	h := &history{}
	var writing, reading sync.WaitGroup

	for writer := range writers {
		n := writer % sessions
		writing.Go(func() {
			for i := range appends {
				c := call{session: n}
				var events []eventlog.Event
				for k := range 1 + (writer+i)%3 {
					c.append = append(c.append, fmt.Sprintf("%d.%d.%d", writer, i, k))
					events = append(events, says(c.append[k]))
				}
				// The first writer of each session ends it before the others are done.
				if c.seals = writer < sessions && i == appends-1; c.seals {
					c.append = append(c.append, `complete{"status":"succeeded"}`)
					events = append(events, complete())
				}
				h.record(writer, c, func() answered {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if (writer+i)%5 == 0 && !c.seals {
						go cancel() // before, during or after its commit
					}
					a, err := f.Append(ctx, &eventlog.Batch{Task: ids[n].Task(), Session: ids[n].ID(), Events: events})
					if err != nil && !errors.Is(err, eventlog.ErrSealed) && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return answered{refused: err, first: a.First}
				})
			}
		})
	}
	for reader := range readers {
		n := reader % sessions
		watch := f.Watch(ids[n].Task())
		defer watch.Close()
		read := func(ctx context.Context, id eventlog.SessionID, after uint64) (eventlog.Page, error) {
			return readWatch(ctx, watch, id, after) // from memory if possible
		}
		if reader >= sessions {
			read = func(ctx context.Context, id eventlog.SessionID, after uint64) (eventlog.Page, error) {
				return f.Read(ctx, ids[n].Task(), id, after)
			}
		}
		reading.Go(func() {
			var after, head uint64
			for sealed := false; !sealed; {
				changed := watch.Changed()
				a := h.record(writers+reader, call{session: n, after: after}, func() answered {
					page, err := read(t.Context(), ids[n].ID(), after)
					a := answered{refused: err, head: page.Head, sealed: page.Sealed}
					for _, e := range page.Events {
						a.contents = append(a.contents, content(e))
					}
					return a
				})
				if a.refused != nil {
					t.Error(a.refused)
					return
				}
				if sealed = a.sealed; !sealed && a.head == head {
					<-changed
				}
				if head = a.head; head%2 == 0 { // else it reads the same again
					after = head
				}
			}
		})
	}
	stop, moved := make(chan struct{}), make(chan int)
	go func() { // commits move from the journal into the file all the time
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				moved <- n
				return
			default:
			}
			if err := db.(checkpoints).Checkpoint(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}()
	writing.Wait()
	close(stop)
	t.Logf("%d checkpoints ran", <-moved)
	reading.Wait()

	if result := porcupine.CheckOperationsTimeout(linearizable, h.calls, patience); result != porcupine.Ok {
		t.Errorf("%s: no order of the calls explains their answers", result)
	}
	wantAllKinds(t, h.calls)
}

// wantAllKinds checks that a history has enough different calls to prove something.
func wantAllKinds(t *testing.T, calls []porcupine.Operation) {
	t.Helper()
	var appended, sealed, canceled, read, empty int
	for _, o := range calls {
		c, a := o.Input.(call), o.Output.(answered)
		switch {
		case errors.Is(a.refused, eventlog.ErrSealed):
			sealed++
		case errors.Is(a.refused, context.Canceled):
			canceled++
		case len(c.append) > 0:
			appended++
		case len(a.contents) > 0:
			read++
		default:
			empty++
		}
	}
	t.Logf("%d appended, %d canceled, %d refused because sealed; %d reads with events, %d without", appended, canceled, sealed, read, empty)
	if appended == 0 || read == 0 {
		t.Error("nothing was appended, or nothing read")
	}
}

// The control: histories that a log must not have are not accepted.
func TestHistoriesThatAreNotLinearizableAreNoticed(t *testing.T) {
	type operation = porcupine.Operation
	appends := func(from, to int64, first uint64, contents ...string) operation {
		return operation{Input: call{append: contents}, Call: from, Output: answered{first: first}, Return: to}
	}
	reads := func(from, to int64, after uint64, contents ...string) operation {
		return operation{
			Input: call{after: after}, Call: from, Return: to,
			Output: answered{contents: contents, head: after + uint64(len(contents))},
		}
	}
	refused := func(from, to int64, err error) operation {
		return operation{Input: call{append: []string{"x"}}, Call: from, Output: answered{refused: err}, Return: to}
	}
	seals := func(from, to int64, first uint64) operation {
		return operation{Input: call{append: []string{"end"}, seals: true}, Call: from, Output: answered{first: first}, Return: to}
	}
	for name, test := range map[string]struct {
		history []operation
		want    porcupine.CheckResult
	}{
		"one after the other":                   {[]operation{appends(1, 2, 1, "a"), appends(3, 4, 2, "b"), reads(5, 6, 0, "a", "b")}, porcupine.Ok},
		"two together, in either order":         {[]operation{appends(1, 4, 2, "a"), appends(2, 3, 1, "b"), reads(5, 6, 0, "b", "a")}, porcupine.Ok},
		"a read together with an append":        {[]operation{appends(1, 4, 1, "a"), reads(2, 3, 0)}, porcupine.Ok},
		"a canceled append that is not there":   {[]operation{refused(1, 2, context.Canceled), reads(3, 4, 0)}, porcupine.Ok},
		"a refused append together with a seal": {[]operation{seals(1, 4, 1), refused(2, 3, eventlog.ErrSealed)}, porcupine.Ok},

		"an acknowledged event is not read":     {[]operation{appends(1, 2, 1, "a"), reads(3, 4, 0)}, porcupine.Illegal},
		"an event is read and then gone":        {[]operation{appends(1, 8, 1, "a"), reads(2, 3, 0, "a"), reads(4, 5, 0)}, porcupine.Illegal},
		"two appends have one sequence":         {[]operation{appends(1, 3, 1, "a"), appends(2, 4, 1, "b")}, porcupine.Illegal},
		"a sequence is left out":                {[]operation{appends(1, 2, 1, "a"), appends(3, 4, 3, "b")}, porcupine.Illegal},
		"the later append has the lower number": {[]operation{appends(1, 2, 2, "a"), appends(3, 4, 1, "b")}, porcupine.Illegal},
		"half an append is read":                {[]operation{appends(1, 4, 1, "a", "b"), reads(2, 3, 0, "a")}, porcupine.Illegal},
		"an event is there twice":               {[]operation{appends(1, 2, 1, "a"), reads(3, 4, 0, "a", "a")}, porcupine.Illegal},
		"an event before it was appended":       {[]operation{reads(1, 2, 0, "a"), appends(3, 4, 1, "a")}, porcupine.Illegal},
		"a canceled append that is there":       {[]operation{refused(1, 2, context.Canceled), reads(3, 4, 0, "x")}, porcupine.Illegal},
		"an append after the end":               {[]operation{seals(1, 2, 1), appends(3, 4, 2, "a")}, porcupine.Illegal},
		"an append refused before the end":      {[]operation{refused(1, 2, eventlog.ErrSealed), seals(3, 4, 1)}, porcupine.Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			wantEqual(t, "result", porcupine.CheckOperationsTimeout(linearizable, test.history, patience), test.want)
		})
	}
}
