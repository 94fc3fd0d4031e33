package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// mute is a server that does not answer.
type mute struct{}

// Start implements [spool.Server].
func (mute) Start(ctx context.Context, _ spool.Run, _ string) (eventlog.SessionID, error) {
	<-ctx.Done()
	return eventlog.SessionID{}, ctx.Err()
}

// Append implements [spool.Server].
func (mute) Append(ctx context.Context, _ spool.Run, _ eventlog.SessionID, _ string, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}

// Stopped implements [spool.Server].
func (mute) Stopped(ctx context.Context, _ spool.Run, _ eventlog.SessionID) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// Heartbeat implements [spool.Server].
func (mute) Heartbeat(ctx context.Context, _ spool.Run, _ eventlog.SessionID) error {
	<-ctx.Done()
	return ctx.Err()
}

// silentRecording is a recording for a server that does not answer. Call it in a bubble.
func silentRecording(t *testing.T, dir string) (r *recording, warnings *[]string) {
	t.Helper()
	return silentRecordingOf(t, dir, transcript.Text)
}

func silentRecordingOf(t *testing.T, dir string, format transcript.Format) (r *recording, warnings *[]string) {
	t.Helper()
	warnings = &[]string{}
	r = &recording{
		dir: dir, to: &destination{name: "http://localhost", server: mute{}}, task: "t-1", agent: "sh", lease: time.Minute,
		warn: func(text string) { *warnings = append(*warnings, text) },
	}
	if err := r.open(t.Context(), format); err != nil {
		t.Fatal(err)
	}
	return r, warnings
}

// left are the spools that wait in a folder.
func left(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := spool.Paths(dir)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestASilentServerIsWaitedForUntilSomebodyInterrupts(t *testing.T) {
	for name, patience := range map[string]time.Duration{"nobody does": grace, "after a second": time.Second} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			synctest.Test(t, func(t *testing.T) {
				r, warnings := silentRecording(t, dir)
				r.output([]byte("hello\n"))
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if patience < grace {
					defer time.AfterFunc(patience, stop).Stop()
				}
				start := time.Now()
				r.end(ctx, ending{})
				if waited := time.Since(start); waited != patience {
					t.Errorf("it waited %v", waited)
				}
				if len(*warnings) != 1 || !strings.Contains((*warnings)[0], "jrweb flush delivers it") {
					t.Errorf("it says %q", *warnings)
				}
			})
			if paths := left(t, dir); len(paths) != 1 {
				t.Errorf("%q are left", paths)
			}
		})
	}
}

// A program that prints without a pause is seen while it does.
func TestSteadyOutputIsRecordedWhileItComes(t *testing.T) {
	for _, format := range []transcript.Format{transcript.Text, transcript.Auto} {
		dir := filepath.Join(t.TempDir(), "spool")
		synctest.Test(t, func(t *testing.T) {
			r, _ := silentRecordingOf(t, dir, format)
			defer r.abandon()
			for range 80 {
				r.output([]byte("line\n"))
				time.Sleep(pause / 3)
			}
			spools := left(t, dir)
			if len(spools) != 1 {
				t.Fatalf("%v: after %v there are %d spools", format, 80*pause/3, len(spools))
			}
			content, err := os.ReadFile(spools[0])
			if err != nil {
				t.Fatal(err)
			}
			if events := strings.Count(string(content), `"assistant"`); events < 5 || events > 9 {
				t.Errorf("%v: %d events were recorded", format, events)
			}
		})
	}
}

// A process that the command left behind may write for as long as we live.
func TestWhatComesAfterTheEndIsNotRecorded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		r, warnings := silentRecording(t, dir)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		r.end(ctx, ending{})
		r.output([]byte("late\n"))
		r.silence()
		if len(*warnings) != 1 { // what waits, and nothing more
			t.Errorf("it says %q", *warnings)
		}
	})
	paths := left(t, dir)
	if len(paths) != 1 {
		t.Fatal(paths)
	}
	if content, err := os.ReadFile(paths[0]); err != nil || strings.Contains(string(content), "late") {
		t.Errorf("%s, %v", content, err)
	}
}

func TestARecordingThatIsAbandonedLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		r, _ := silentRecording(t, dir)
		r.abandon()
		time.Sleep(time.Minute)
	})
	if paths := left(t, dir); len(paths) != 0 {
		t.Errorf("%q are left", paths)
	}
}

func TestHowACommandEndedIsToldAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		how    ending
		status eventlog.Status
		reason string
	}{
		"well":                    {ending{}, eventlog.Succeeded, ""},
		"with a code":             {ending{code: 3}, eventlog.Failed, "exit code 3"},
		"killed":                  {ending{code: 137, signal: 9}, eventlog.Failed, "killed by signal 9 (killed)"},
		"by Ctrl-C":               {ending{code: 130, signal: 2}, eventlog.Canceled, "killed by signal 2 (interrupt)"},
		"by Ctrl-C that it heard": {ending{code: 130}, eventlog.Canceled, "exit code 130"},
		"after a signal to us":    {ending{code: 3, asked: os.Interrupt}, eventlog.Canceled, "interrupt: exit code 3"},
		"well, after a signal":    {ending{asked: os.Interrupt}, eventlog.Succeeded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := silentRecording(t, t.TempDir())
				defer r.abandon()
				d, err := readData(r.completion(c.how))
				if err != nil || d.Status != string(c.status) || d.Reason != c.reason {
					t.Errorf("%s, %q, %v", d.Status, d.Reason, err)
				}
			})
		})
	}
}

// The exit code is trusted, unless the agent says something else of its own last turn.
func TestWhatAnAgentSaysOfItsEndCounts(t *testing.T) {
	const head = `{"type":"thread.started","thread_id":"x"}` + "\n" + `{"type":"turn.started"}` + "\n"
	const call = `{"type":"item.started","item":{"id":"i","type":"command_execution","command":"make","status":"in_progress"}}` + "\n"
	const failed = `{"type":"turn.failed","error":{"message":"no luck"}}` + "\n"
	const done = `{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}` + "\n"
	const called = `{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"make","exit_code":0,"status":"completed"}}` + "\n"
	const question = `{"type":"request_user_input","questions":[{"question":"Which?"}]}` + "\n"
	const words = `{"type":"result","subtype":"success","session_id":"s","result":"Done."}` + "\n" +
		`{"type":"user","session_id":"s","message":{"role":"user","content":"And now?"}}` + "\n"
	for name, c := range map[string]struct {
		output string
		how    ending
		status eventlog.Status
		reason string
	}{
		"done":                                {head + done, ending{}, eventlog.Succeeded, ""},
		"nothing, and a good exit":            {head, ending{}, eventlog.Succeeded, ""},
		"a call is open":                      {head + call, ending{}, eventlog.Interrupted, "the transcript ends in the middle of a run: a call without a result"},
		"the last turn failed":                {head + failed, ending{}, eventlog.Failed, "no luck"},
		"a later turn went well":              {head + failed + head + done, ending{}, eventlog.Succeeded, ""},
		"a person's words without an answer":  {words, ending{}, eventlog.Interrupted, "the transcript ends in the middle of a run: a person's words without an answer"},
		"half a line after the end":           {head + done + `{"type":"turn.st`, ending{}, eventlog.Interrupted, "the transcript ends in the middle of a line"},
		"a question without an answer":        {head + question, ending{}, eventlog.Interrupted, "the run waits for a person's answer"},
		"nothing that tells an end":           {head + call + called, ending{}, eventlog.Succeeded, ""},
		"failed, and a bad exit":              {head + failed, ending{code: 1}, eventlog.Failed, "exit code 1: no luck"},
		"done, and a bad exit":                {head + done, ending{code: 1}, eventlog.Failed, "exit code 1"},
		"a person's signal":                   {head + call, ending{asked: os.Interrupt}, eventlog.Canceled, "interrupt: exit code 0"},
		"a person's signal after it was done": {head + done, ending{asked: os.Interrupt}, eventlog.Succeeded, ""},
		"a signal, and a bad exit":            {head + done, ending{code: 1, asked: os.Interrupt}, eventlog.Canceled, "interrupt: exit code 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			synctest.Test(t, func(t *testing.T) {
				r, _ := silentRecordingOf(t, dir, transcript.Auto)
				defer r.abandon()
				r.output([]byte(c.output))
				s := r.streams[0]
				s.splitter.Rest(func(l transcript.Line) { s.line(l) })
				d, err := readData(r.completion(c.how))
				if err != nil || d.Status != string(c.status) || d.Reason != c.reason {
					t.Errorf("%s, %q, %v", d.Status, d.Reason, err)
				}
			})
		})
	}
}

// Programs print what they like. JSON that nobody knows is of an agent, most likely.
func TestOutputThatNobodyKnowsIsToldOfIfItIsJSON(t *testing.T) {
	for name, c := range map[string]struct{ output, says string }{
		"a program's text":      {"make: all is up to date\n", ""},
		"an agent's":            {`{"type":"thread.started","thread_id":"x"}` + "\n", ""},
		"another agent's":       {`{"step":1,"say":"hello"}` + "\n" + `{"step":2}` + "\n", "JSON in no format that is known"},
		"lines of a new kind":   {`{"type":"thread.started","thread_id":"x"}` + "\n" + `{"type":"turn.paused"}` + "\n", `1 line not understood and kept as they are (type "turn.paused" is not known)`},
		"a program that speaks": {"starting\n{\"broken\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			synctest.Test(t, func(t *testing.T) {
				r, warnings := silentRecordingOf(t, dir, transcript.Auto)
				r.output([]byte(c.output))
				ctx, stop := context.WithCancel(t.Context())
				stop()
				r.end(ctx, ending{})
				all := strings.Join(*warnings, "\n")
				all = strings.Split(all+"\n", "not all is delivered")[0]
				if c.says == "" && strings.TrimSpace(all) != "" || !strings.Contains(all, c.says) {
					t.Errorf("it says %q", all)
				}
			})
			paths := left(t, dir)
			if len(paths) != 1 {
				t.Fatal(paths)
			}
			content, err := os.ReadFile(paths[0])
			if told := strings.Contains(string(content), "in no format that is known"); err != nil || told != strings.Contains(c.says, "no format") {
				t.Errorf("the session says so: %v, %v", told, err)
			}
		})
	}
}

// A server that was silent for one run is not waited for again for each other.
func TestAServerIsFoundSilentOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	w, err := spool.Create(dir, spool.Run{Task: "t-1", To: "http://localhost"})
	if err != nil {
		t.Fatal(err)
	}
	path := left(t, dir)[0]
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := flushOne(t.Context(), &cli.Command{}, path, map[string]bool{"http://localhost": true}); err != nil {
		t.Error(err)
	}
	if paths := left(t, dir); len(paths) != 1 {
		t.Errorf("%q are left", paths)
	}
}

// What somebody has seen is recorded, also when we are killed.
func TestWhatIsPassedOnIsRecordedBefore(t *testing.T) {
	recorded := ""
	seen := writerFunc(func(b []byte) (int, error) {
		if recorded != string(b) {
			t.Errorf("%q is passed on, %q is recorded", b, recorded)
		}
		return len(b), nil
	})
	if n, err := tee(seen, func(b []byte) { recorded = string(b) }).Write([]byte("hello")); n != 5 || err != nil || recorded != "hello" {
		t.Error(n, err, recorded)
	}
}

type writerFunc func([]byte) (int, error)

// Write implements [io.Writer].
func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
