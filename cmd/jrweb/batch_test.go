package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sent runs inBatches to its end and returns the lines of each batch.
func sent(t *testing.T, input string, delay time.Duration) (batches [][]int) {
	t.Helper()
	err := inBatches(t.Context(), strings.NewReader(input), delay, func(b *batch) error {
		batches = append(batches, b.lines)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return batches
}

func TestBatchesAreFullAndInOrder(t *testing.T) {
	var input strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&input, "{\"n\":%d}\n", i)
	}
	batches := sent(t, input.String(), 0)
	if len(batches) != 3 || len(batches[0]) != 1000 || len(batches[1]) != 1000 || len(batches[2]) != 500 {
		t.Fatalf("%d batches, want 1000, 1000 and 500 lines", len(batches))
	}
	all := slices.Concat(batches...)
	for i, line := range all {
		if line != i+1 {
			t.Fatalf("line %d was sent in place %d", line, i+1)
		}
	}
}

func TestABatchHasAtMostSoManyBytesUnlessItIsOneEvent(t *testing.T) {
	half := strings.Repeat("x", batchBytes/2-1)
	large := strings.Repeat("y", batchBytes+1)
	got := sent(t, half+"\n"+half+"\n"+half+"\n"+large+"\nz\n", 0)
	want := [][]int{{1, 2}, {3}, {4}, {5}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("batches %v, want %v", got, want)
	}
}

func TestACompleteEventEndsItsBatch(t *testing.T) {
	got := sent(t, `{"type":"thought","data":{"content":"complete"}}
{"data":{},"type":"complete"}

{"type":"thought"}`, 0)
	if want := "[[1 2] [4]]"; fmt.Sprint(got) != want {
		t.Errorf("batches %v, want %v", got, want)
	}
}

func TestWhatComesSlowlyIsSentAfterAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, producer := io.Pipe()
		start := time.Now()
		var log []string
		done := make(chan error, 1)
		go func() {
			done <- inBatches(t.Context(), in, sendDelay, func(b *batch) error {
				log = append(log, fmt.Sprintf("%v %v", time.Since(start), b.lines))
				return nil
			})
		}()
		write := func(after time.Duration, text string) {
			time.Sleep(after) // of the bubble
			if _, err := io.WriteString(producer, text); err != nil {
				t.Error(err)
			}
		}
		write(0, "a\n")
		write(150*time.Millisecond, "b\n")    // joins a, which waits until 200 ms
		write(1850*time.Millisecond, "c\nd")  // d has no end yet
		write(3*time.Second, "d\n")           // now it has
		write(100*time.Millisecond, "e\nf\n") // joins dd
		producer.Close()                      // at once
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := []string{"200ms [1 2]", "2.2s [3]", "5.1s [4 5 6]"}
		if !slices.Equal(log, want) {
			t.Errorf("sent %q, want %q", log, want)
		}
	})
}

func TestTheFirstErrorEndsIt(t *testing.T) {
	failure := errors.New("refused")
	calls := 0
	err := inBatches(t.Context(), strings.NewReader(strings.Repeat("x\n", 5000)), 0, func(*batch) error {
		calls++
		return failure
	})
	if !errors.Is(err, failure) || calls != 1 {
		t.Errorf("error %v after %d calls, want %v after 1", err, calls, failure)
	}
}

func TestItStopsWhileItWaitsForInput(t *testing.T) {
	in, producer := io.Pipe()
	defer producer.Close() // ends the read that outlives the call
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := inBatches(ctx, in, sendDelay, func(*batch) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestAReadThatFailsNamesItsLine(t *testing.T) {
	failure := errors.New("broken pipe")
	input := io.MultiReader(strings.NewReader("a\nb"), failingReader{failure})
	var lines []int
	err := inBatches(t.Context(), input, 0, func(b *batch) error { lines = b.lines; return nil })
	if !errors.Is(err, failure) || !strings.Contains(err.Error(), "line 2") || !slices.Equal(lines, []int{1}) {
		t.Errorf("error %v, sent lines %v; want line 2 broken, line 1 sent", err, lines)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
