package budget_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/cmd/jrweb/internal/budget"
	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router/price"
)

func TestABudgetIsDollarsForATime(t *testing.T) {
	for text, want := range map[string]budget.Budget{"50/day": {USD: 50, Per: "day"}, "$7.5/week": {USD: 7.5, Per: "week"}, "1e3/month": {USD: 1000, Per: "month"}} {
		if got, err := budget.Parse(text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "50", "0/day", "-1/day", "NaN/day", "Inf/day", "50/year", "50/day/x", "x/day"} {
		if got, err := budget.Parse(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// world is a log with a keeper.
type world struct {
	*testing.T
	log     *eventlog.Log
	other   bool // another process of a cluster commits what is spent
	keeper  *budget.Keeper
	reached []string
}

func newWorld(t *testing.T, text string) *world {
	w := &world{T: t}
	b, err := budget.Parse(text)
	w.ok(err)
	w.keeper = budget.New(budget.Options{
		Budget: b, Prices: price.Default(), Logger: slog.New(slog.DiscardHandler),
		Reached: func(s budget.Status) {
			w.reached = append(w.reached, fmt.Sprintf("%d %.2f since %s", s.Level(), s.Spent, s.Since.Format(time.DateOnly)))
		},
	})
	trace := &eventlog.Trace{Spent: func(bool) { w.keeper.Trace().Spent(!w.other) }}
	w.log, err = eventlog.New(eventlogtest.NewStore(), &eventlog.Options{Trace: trace, KeepOpen: true})
	w.ok(err)
	t.Cleanup(func() {
		w.keeper.Close()
		w.ok(w.log.Close())
	})
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// add appends a cost.
func (w *world) add(data string) {
	w.Helper()
	_, err := w.log.Append(w.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{{Type: eventlog.TypeCost, Data: json.RawMessage(data)}}})
	w.ok(err)
}

// spend appends a cost, and lets the keeper look.
func (w *world) spend(data string) {
	w.Helper()
	w.add(data)
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func (w *world) wants(reached ...string) {
	w.Helper()
	if !slices.Equal(w.reached, reached) {
		w.Errorf("it was told %q, want %q", w.reached, reached)
	}
}

func TestEachLevelIsToldOnceInAPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins on Saturday, 1 January 2000
		w := newWorld(t, "10/day")
		w.ok(w.keeper.Watch(w.log))
		w.spend(`{"usd":7}`)
		w.wants()
		w.spend(`{"usd":1}`)
		w.wants("1 8.00 since 2000-01-01")
		w.spend(`{"usd":1}`)
		w.spend(`{"input_tokens":1000000,"model":"gpt-5"}`) // 1.25 by the list
		w.wants("1 8.00 since 2000-01-01", "2 10.25 since 2000-01-01")
		w.spend(`{"usd":100}`)
		time.Sleep(24 * time.Hour)
		if s, ok := w.keeper.Status(); !ok || s.Spent != 0 || s.Since.Day() != 2 {
			t.Errorf("the next day is %+v", s)
		}
		w.spend(`{"usd":11}`)
		w.wants("1 8.00 since 2000-01-01", "2 10.25 since 2000-01-01", "2 11.00 since 2000-01-02")
	})
}

// The keeper looks once a second, but who asks is told what was spent by then.
func TestWhoAsksIsToldWhatWasSpentJustNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "10/day")
		w.ok(w.keeper.Watch(w.log))
		w.add(`{"usd":7}`)
		synctest.Wait() // it has looked, and pauses
		w.add(`{"usd":2}`)
		if s, ok := w.keeper.Status(); !ok || s.Spent != 9 {
			t.Errorf("the day is %+v, %v", s, ok)
		}
		time.Sleep(2 * time.Second) // and it still reports
		synctest.Wait()
		w.wants("1 9.00 since 2000-01-01")
	})
}

func TestWhatWasReachedBeforeIsNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "10/week")
		w.spend(`{"usd":9}`)
		w.ok(w.keeper.Watch(w.log))
		w.spend(`{"usd":0.5}`)
		w.wants()
		if s, ok := w.keeper.Status(); !ok || s.Spent != 9.5 || s.Level() != budget.Near || s.Since.Format(time.DateOnly) != "1999-12-27" {
			t.Errorf("the week is %+v, %v", s, ok)
		}
		w.spend(`{"usd":1}`)
		w.wants("2 10.50 since 1999-12-27")
	})
}

// Of several processes the one that commits a cost tells what it reaches, and the others know.
func TestWhatAnotherProcessCommitsItTellsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "10/day")
		w.ok(w.keeper.Watch(w.log))
		w.other = true
		w.spend(`{"usd":9}`)
		w.wants()
		if s, ok := w.keeper.Status(); !ok || s.Spent != 9 {
			t.Errorf("the day is %+v, %v", s, ok)
		}
		w.other = false // this process is the writer now
		w.spend(`{"usd":0.5}`)
		w.wants()
		w.spend(`{"usd":1}`)
		w.wants("2 10.50 since 2000-01-01")
	})
}
