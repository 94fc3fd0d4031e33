package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/source"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// kept is a transcript of a population.
type kept struct {
	path string
	text []byte // what it is to have in the end
	task string
}

var (
	uuids  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	ids    = regexp.MustCompile(`\b(msg|resp|chatcmpl|req|call|toolu)_[A-Za-z0-9_-]+`)
	stamps = regexp.MustCompile(`20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{3}Z`)
	millis = regexp.MustCompile(`\b17[0-9]{11}\b`)
)

// templates are what real agents left of runs of one file.
func templates(t testing.TB) (all map[string][][]byte) {
	t.Helper()
	all = map[string][][]byte{}
	real := filepath.Join("..", "..", "eventlog", "transcript", "testdata", "real")
	for _, agent := range []string{"claude-2.1.332", "codex-0.171.0", "gemini-0.61.0", "pi-0.73.1", "qwen-0.24.4"} {
		for _, scenario := range []string{"failing-command", "edit", "parallel", "words", "api-error", "sigkill-call"} {
			text, err := os.ReadFile(filepath.Join(real, agent, scenario+".disk.jsonl"))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(agent, "-")
			all[name] = append(all[name], text)
		}
	}
	return all
}

// another makes another run of a transcript, whose last line is of a given time.
func another(text []byte, number int, end time.Time) []byte {
	text = uuids.ReplaceAllFunc(text, func(id []byte) []byte {
		sum := sha256.Sum256(fmt.Appendf(slices.Clone(id), "/%d", number))
		return fmt.Appendf(nil, "%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	})
	text = ids.ReplaceAll(text, fmt.Appendf(nil, "${0}x%d", number))
	var last time.Time
	for _, m := range stamps.FindAll(text, -1) {
		if at, err := time.Parse(eventlog.TimeFormat, string(m)); err == nil && at.After(last) {
			last = at
		}
	}
	shift := end.Sub(last)
	text = stamps.ReplaceAllFunc(text, func(m []byte) []byte {
		at, err := time.Parse(eventlog.TimeFormat, string(m))
		if err != nil {
			return m
		}
		return []byte(at.Add(shift).UTC().Format(eventlog.TimeFormat))
	})
	return millis.ReplaceAllFunc(text, func(m []byte) []byte {
		n, err := strconv.ParseInt(string(m), 10, 64)
		if err != nil {
			return m
		}
		return strconv.AppendInt(nil, n+shift.Milliseconds(), 10)
	})
}

// placeOf is where an agent keeps a run, below its home directory.
func placeOf(agent string, text []byte, at time.Time, number int) string {
	id := string(uuids.Find(text))
	stamp := at.UTC().Format("2006-01-02T15-04-05")
	switch agent {
	case "claude":
		return fmt.Sprintf(".claude/projects/-p%d/%s.jsonl", number%50, id)
	case "codex":
		return fmt.Sprintf(".codex/sessions/%s/rollout-%s-%s.jsonl", at.UTC().Format("2006/01/02"), stamp, id)
	case "gemini":
		return fmt.Sprintf(".gemini/tmp/p%d/chats/session-%s-%s.jsonl", number%50, stamp[:16], id[:8])
	case "pi":
		return fmt.Sprintf(".pi/agent/sessions/--p%d--/%s_%s.jsonl", number%50, stamp, id)
	}
	return fmt.Sprintf(".qwen/projects/p%d/chats/%s.jsonl", number%50, id)
}

// populate makes so many runs of all agents, which ended in the past: each an hour and
// more before the one before it.
func populate(t testing.TB, home string, n int, now time.Time) (all []*kept) {
	t.Helper()
	texts := templates(t)
	agents := []string{"claude", "codex", "gemini", "pi", "qwen"}
	for i := range n {
		agent := agents[i%len(agents)]
		at := now.Add(-time.Duration(i+1) * time.Hour)
		text := another(texts[agent][i/len(agents)%len(texts[agent])], i, at)
		k := &kept{path: filepath.Join(home, placeOf(agent, text, at, i)), text: text}
		k.introduce(t)
		if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(k.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(k.path, at, at); err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

// introduce finds out in which task the run is recorded.
func (k *kept) introduce(t testing.TB) {
	t.Helper()
	c := k.convert(t, func(eventlog.Event) {})
	k.task = transcript.TaskOf(c.Origin().Agent, c.Origin().Session)
}

// convert is the oracle: the events of the run, by one pass of a converter.
func (k *kept) convert(t testing.TB, take func(eventlog.Event)) *transcript.Converter {
	t.Helper()
	c, err := transcript.New(transcript.Auto, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := transcript.NewSplitter(0)
	each := func(l transcript.Line) {
		for _, e := range c.Line(l) {
			take(e)
		}
	}
	lines.Split(k.text, each)
	lines.Rest(each)
	for _, e := range c.End() {
		take(e)
	}
	return c
}

// missing says what a log does not have of a run, "" if it has all of it, in order, once.
func (k *kept) missing(t *testing.T, l *logged) string {
	t.Helper()
	var want, got []string
	k.convert(t, func(e eventlog.Event) { want = append(want, fmt.Sprintf("%s %016x", e.Type, uint64(digestOf(&e)))) })
	for i, events := range l.events {
		if !l.sessions[i].Sealed() {
			return fmt.Sprintf("session %d is open", i+1)
		}
		for _, e := range events {
			if e.Type != eventlog.TypeComplete {
				got = append(got, fmt.Sprintf("%s %016x", e.Type, uint64(digestOf(&eventlog.Event{Type: e.Type, Actor: e.Actor, Data: e.Data}))))
			}
		}
	}
	if slices.Equal(got, want) {
		return ""
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Sprintf("%d events in %d sessions, not %d: they differ at %d: %q, not %q", len(got), len(l.sessions), len(want), at,
		got[at:min(len(got), at+4)], want[at:min(len(want), at+4)])
}

// grows writes the run, a piece at a time.
func (k *kept) grows(t *testing.T, random *rand.Rand, pause func()) {
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		t.Error(err)
		return
	}
	for left := k.text; len(left) > 0; pause() {
		n := min(len(left), 1+random.IntN(1+len(k.text)/20))
		f, err := os.OpenFile(k.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = f.Write(left[:n])
		if err != nil || f.Close() != nil {
			t.Error("the run cannot be written", err)
			return
		}
		left = left[n:]
	}
}

// The population is what real agents write: it is found, and known again.
func TestAPopulationIsOfManyFormats(t *testing.T) {
	formats := map[transcript.Format]int{}
	for _, k := range populate(t, t.TempDir(), 30, time.Now()) {
		c := k.convert(t, func(eventlog.Event) {})
		formats[c.Format()]++
		if f, err := source.Open(k.path); err != nil {
			t.Error(err)
		} else if err := f.Close(); err != nil {
			t.Error(err)
		}
		if bytes.Contains(k.text, []byte("${0}")) || !eventlog.ValidTaskID(k.task) {
			t.Errorf("%s is of task %q", k.path, k.task)
		}
	}
	if len(formats) != 5 {
		t.Errorf("the formats are %v", formats)
	}
}

// The control of the oracle: it sees what is missing, twice, or in another place.
func TestTheOracleSeesEveryFault(t *testing.T) {
	k := populate(t, t.TempDir(), 1, time.Now())[0]
	session := eventlog.SessionInfo{Status: eventlog.Succeeded}
	var events []client.Event
	k.convert(t, func(e eventlog.Event) {
		events = append(events, client.Event{Type: e.Type, Actor: e.Actor, Data: e.Data})
	})
	whole := func(events ...client.Event) *logged {
		return &logged{sessions: []eventlog.SessionInfo{session}, events: [][]client.Event{events}}
	}
	if said := k.missing(t, whole(events...)); said != "" {
		t.Fatalf("of a whole run it says %q", said)
	}
	last := len(events) - 1
	for name, fault := range map[string][]client.Event{
		"the first is missing": events[1:],
		"the last is missing":  events[:last],
		"one is there twice":   append(slices.Clone(events), events[last]),
		"two are exchanged":    append(slices.Clone(events[:last-1]), events[last], events[last-1]),
	} {
		if k.missing(t, whole(fault...)) == "" {
			t.Errorf("%s: nothing is said", name)
		}
	}
	open := whole(events...)
	open.sessions[0].Status = eventlog.StatusOpen
	if k.missing(t, open) == "" {
		t.Error("of an open session nothing is said")
	}
}
