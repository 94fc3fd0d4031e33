package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/transcript"
)

// Whatever agent it is: its run is recorded live as its transcript reads, with the
// same totals, however its output is cut into pieces.
func TestARunOfEveryFormatIsRecorded(t *testing.T) {
	for _, format := range transcript.Formats()[1:] {
		t.Run(string(format), func(t *testing.T) {
			path := filepath.Join("..", "..", "eventlog", "transcript", "testdata", string(format)+".jsonl")
			output, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			db := filepath.Join(t.TempDir(), "jr.db")
			cmd := exec.Command("jrweb", "run", "-task", "t-1", "-db", db, "--", "cat")
			cmd.Env = append(os.Environ(), "JRWEB_SPOOL="+filepath.Join(t.TempDir(), "spool"))
			var passedOn bytes.Buffer
			cmd.Stdout, cmd.Stderr = &passedOn, t.Output()
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			for rest := output; len(rest) > 0; {
				n := min(1+random.IntN(700), len(rest))
				if _, err := in.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // a transcript that reports a failure makes none of cat
			if !bytes.Equal(passedOn.Bytes(), output) {
				t.Errorf("%d bytes are passed on of %d, or others", passedOn.Len(), len(output))
			}
			got, gotTotals := readRun(t, db)
			want, wantTotals := convertedRun(t, output)
			if said(got) != said(want) {
				t.Errorf("recorded\n%s\nwant\n%s", said(got), said(want))
			}
			if gotTotals.USD != wantTotals.USD || gotTotals.InputTokens != wantTotals.InputTokens || gotTotals.OutputTokens != wantTotals.OutputTokens {
				t.Errorf("totals %+v, want %+v", gotTotals, wantTotals)
			}
		})
	}
}

// readRun returns what is recorded, without its end.
func readRun(t *testing.T, db string) ([]eventlog.Event, eventlog.Totals) {
	t.Helper()
	log, err := eventlog.Open(db, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	return eventsOf(t, log)
}

func eventsOf(t *testing.T, log *eventlog.Log) (events []eventlog.Event, totals eventlog.Totals) {
	t.Helper()
	sessions, err := log.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 10)
	if err != nil || len(sessions) != 1 {
		t.Fatalf("sessions %v, %v", sessions, err)
	}
	for e, err := range log.Session("t-1", sessions[0].ID).Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type != eventlog.TypeComplete {
			e.Data = slices.Clone(e.Data)
			events = append(events, e)
		}
	}
	return events, sessions[0].Totals
}

// convertedRun is what a transcript reads as, in a log.
func convertedRun(t *testing.T, output []byte) ([]eventlog.Event, eventlog.Totals) {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	converter, err := transcript.New(transcript.Auto, nil)
	if err != nil {
		t.Fatal(err)
	}
	var events []eventlog.Event
	take := func(l transcript.Line) { events = append(events, converter.Line(l)...) }
	lines := transcript.NewSplitter(0)
	lines.Split(output, take)
	lines.Rest(take)
	events = append(events, converter.End()...)
	if _, err := log.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: events}); err != nil {
		t.Fatal(err)
	}
	return eventsOf(t, log)
}

// said puts texts together that a pause may have parted.
func said(events []eventlog.Event) string {
	var out strings.Builder
	last := ""
	for _, e := range events {
		var text struct{ Content *string }
		if json.Unmarshal(e.Data, &text) != nil || text.Content == nil {
			fmt.Fprintf(&out, "\n%s %s", e.Type, e.Data)
			last = ""
			continue
		}
		if e.Type != last {
			fmt.Fprintf(&out, "\n%s ", e.Type)
		}
		last = e.Type
		out.WriteString(strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, *text.Content))
	}
	return out.String()
}

// Floods, binary, lines of megabytes and half lines are passed on byte for byte, and
// recorded as events that the log takes; then the command is killed.
func TestWhateverACommandPrintsIsPassedOnAndRecorded(t *testing.T) {
	dir := t.TempDir()
	var output []byte
	random := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		output = append(output, byte(random.Uint32()))
	}
	output = append(output, '\n')
	output = append(output, bytes.Repeat([]byte("x"), 10<<20)...)
	output = append(output, '\n')
	for n := range 20_000 {
		output = fmt.Appendf(output, "line %d of a flood\n", n)
	}
	output = append(output, "half a line"...)
	file := filepath.Join(dir, "output")
	if err := os.WriteFile(file, output, 0o600); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "jr.db")
	cmd := runs(t, db, "sh", "-c", `cat "$0"; kill -9 $$`, file)
	var passedOn bytes.Buffer
	cmd.Stdout = &passedOn
	wantExit(t, cmd.Run(), 128+9)
	if !bytes.Equal(passedOn.Bytes(), output) {
		t.Errorf("%d bytes are passed on of %d, or others", passedOn.Len(), len(output))
	}
	texts := recorded(t, db, "t-1")
	all := strings.Join(texts, "\n")
	for _, want := range []string{"line 0 of a flood", "line 19999 of a flood", "half a line", strings.Repeat("x", 1000)} {
		if !strings.Contains(all, want) {
			t.Errorf("%.20q is not recorded", want)
		}
	}
	if texts[len(texts)-1] != "failed" {
		t.Errorf("it ended as %q", texts[len(texts)-1])
	}
}
