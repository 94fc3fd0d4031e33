package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/places"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// kept is a run of a population.
type kept struct {
	*runKind
	home   string
	names  *strings.Replacer // fills in places
	path   string            // its file, its folder, or the database; empty once it is removed
	text   []byte            // what it is to have in the end
	thread string            // the agent's name of it
	end    time.Time         // of the run
	task   string
}

var (
	uuids  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	ids    = regexp.MustCompile(`\b(?:(?:msg|resp|req|call|toolu)_|chatcmpl[_-]|ev-|m-)[A-Za-z0-9_-]+`)
	stamps = regexp.MustCompile(`20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{3}(?:[0-9]{3})?`)
	// epochs are seconds, with a fraction, and milliseconds.
	epochs = regexp.MustCompile(`\b17[0-9]{8}(?:[0-9]{3})?(?:\.[0-9]+)?\b`)
)

// another makes another run of a transcript, whose last line is of a given time.
func another(text []byte, number int, end time.Time) []byte {
	text = uuids.ReplaceAllFunc(text, func(id []byte) []byte {
		sum := sha256.Sum256(fmt.Appendf(slices.Clone(id), "/%d", number))
		return fmt.Appendf(nil, "%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	})
	text = ids.ReplaceAll(text, fmt.Appendf(nil, "${0}x%d", number))
	const stampFormat = "2006-01-02T15:04:05.000000"
	var last time.Time
	for _, m := range stamps.FindAll(text, -1) {
		if at, err := time.Parse(stampFormat[:len(m)], string(m)); err == nil && at.After(last) {
			last = at
		}
	}
	if last.IsZero() {
		for _, m := range epochs.FindAll(text, -1) {
			if at, err := strconv.ParseFloat(string(m), 64); err == nil {
				last = later(last, time.UnixMilli(int64(at*perSecond(m))))
			}
		}
	}
	shift := end.Sub(last)
	text = stamps.ReplaceAllFunc(text, func(m []byte) []byte {
		at, err := time.Parse(stampFormat[:len(m)], string(m))
		if err != nil {
			return m
		}
		return []byte(at.Add(shift).UTC().Format(stampFormat[:len(m)]))
	})
	return epochs.ReplaceAllFunc(text, func(m []byte) []byte {
		whole, fraction, _ := bytes.Cut(m, []byte("."))
		n, err := strconv.ParseInt(string(whole), 10, 64)
		if err != nil {
			return m
		}
		moved := strconv.AppendInt(nil, n+int64(shift.Seconds()*1000/perSecond(m)), 10)
		if len(fraction) > 0 {
			moved = append(append(moved, '.'), fraction...)
		}
		return moved
	})
}

// perSecond is what a number of seconds, or of milliseconds, has to be multiplied by to be
// one of milliseconds.
func perSecond(epoch []byte) float64 {
	if whole, _, _ := bytes.Cut(epoch, []byte(".")); len(whole) == 10 {
		return 1000
	}
	return 1
}

// populate makes so many runs of all kinds, which ended in the past: each an hour and
// more before the one before it.
func populate(t testing.TB, home string, n int, now time.Time) (all []*kept) {
	t.Helper()
	if err := databases(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	rows := map[string][]statement{}
	for i := range n {
		kind := &runKinds[i%len(runKinds)]
		texts := kind.templates(t)
		at := now.Add(-time.Duration(i+1) * time.Hour)
		k := kind.run(t, home, texts[i/len(runKinds)%len(texts)], i, at)
		all = append(all, k)
		if kind.form == inDatabase {
			statements, err := k.rows(k.text)
			if err != nil {
				t.Fatal(err)
			}
			rows[k.path] = append(rows[k.path], statements...)
			continue
		}
		if err := k.put(k.text); err != nil {
			t.Fatal(err)
		}
		for _, path := range k.files(t) {
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, statements := range rows {
		sqlite3(t, path, statements...)
	}
	return all
}

// introduce finds out in which task the run is recorded.
func (k *kept) introduce(t testing.TB) {
	t.Helper()
	c := k.convert(t, func(eventlog.Event) {})
	k.task = transcript.TaskOf(c.Origin().Agent, cmp.Or(c.Origin().Session, k.thread))
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
	if k.form == inLines {
		for left := k.text; len(left) > 0; pause() {
			n := min(len(left), 1+random.IntN(1+len(k.text)/20))
			if err := k.add(left[:n]); err != nil {
				t.Errorf("%s cannot be written: %v", k.path, err)
				return
			}
			left = left[n:]
		}
		return
	}
	states, err := k.states()
	for _, state := range states {
		if err == nil && k.form == inDatabase {
			var rows []statement
			if rows, err = k.rows(state); err == nil {
				err = sqliteDo(t.Context(), k.path, rows...)
			}
		} else if err == nil {
			err = k.put(state)
		}
		pause()
	}
	if err != nil {
		t.Errorf("%s cannot be written: %v", k.path, err)
	}
}

// add adds to the file.
func (k *kept) add(text []byte) error {
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(k.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// The population is of all that agents keep: it is found, and known again. No cost of a run
// counts as one of another.
func TestAPopulationIsOfAllAgents(t *testing.T) {
	home := t.TempDir()
	all, err := places.Of(func(string) string { return "" }, home, nil)
	if err != nil {
		t.Fatal(err)
	}
	names, tasks, costs := map[string]bool{}, map[string]bool{}, map[string]string{}
	for _, k := range populate(t, home, 4*len(runKinds), time.Now()) {
		names[k.agent] = true
		k.convert(t, func(e eventlog.Event) {
			var cost struct{ ID string }
			if e.Type != eventlog.TypeCost || json.Unmarshal(e.Data, &cost) != nil || cost.ID == "" {
				return
			}
			if other := costs[cost.ID]; other != "" && other != k.task {
				t.Errorf("%s and %s have the cost %s", other, k.task, cost.ID)
			}
			costs[cost.ID] = k.task
		})
		if tasks[k.task] || bytes.Contains(k.text, []byte("${0}")) || !eventlog.ValidTaskID(k.task) {
			t.Errorf("%s is of task %q", k.path, k.task)
		}
		tasks[k.task] = true
		for _, place := range []string{k.place, k.moved} {
			path := k.at(place)
			if k.form == inFiles {
				path = filepath.Join(path, "event-00000-x.json")
			}
			isIn := func(p places.Place) bool { return p.Agent == k.agent && p.Has(path) }
			if place != "" && k.agent != "crush" && !slices.ContainsFunc(all, isIn) {
				t.Errorf("%s is not looked for", path)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, places.Agents()) {
		t.Errorf("it is of %q", got)
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
