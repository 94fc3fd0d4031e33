package eventlog_test

import (
	"encoding/json"
	"testing"

	"jrweb/eventlog"
)

func TestCostsAddUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		costs []string
		want  string
	}{
		{"a delta counts as it is", []string{`{"usd":0.1,"input_tokens":1,"output_tokens":2}`, `{"usd":0.2,"scope":"delta"}`},
			`{"events":2,"usd":0.3,"input_tokens":1,"output_tokens":2,"cache_read_tokens":0,"cache_write_tokens":0}`},
		{"a cumulative amount counts what it exceeds the last one by: two turns of a real run",
			[]string{
				`{"usd":0.00381875,"output_tokens":49,"model":"m","scope":"cumulative"}`,
				`{"usd":0.0101307,"output_tokens":370,"model":"m","scope":"cumulative"}`,
			},
			`{"events":2,"usd":0.0101307,"input_tokens":0,"output_tokens":370,"cache_read_tokens":0,"cache_write_tokens":0}`},
		{"a cumulative amount that is repeated counts once",
			[]string{`{"usd":1,"scope":"cumulative"}`, `{"usd":1,"scope":"cumulative"}`},
			`{"events":2,"usd":1,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}`},
		{"a cumulative amount that falls counts nothing, and is where the next one goes on",
			[]string{`{"input_tokens":10,"scope":"cumulative"}`, `{"input_tokens":4,"scope":"cumulative"}`, `{"input_tokens":6,"scope":"cumulative"}`},
			`{"events":3,"usd":0,"input_tokens":12,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}`},
		{"each model is cumulative on its own",
			[]string{`{"output_tokens":576,"model":"main","scope":"cumulative"}`, `{"output_tokens":134,"model":"sub","scope":"cumulative"}`},
			`{"events":2,"usd":0,"input_tokens":0,"output_tokens":710,"cache_read_tokens":0,"cache_write_tokens":0}`},
		{"deltas do not disturb what is cumulative",
			[]string{`{"usd":1,"scope":"cumulative"}`, `{"usd":5}`, `{"usd":2,"scope":"cumulative"}`},
			`{"events":3,"usd":7,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := inMemory(t, &eventlog.Options{KeepOpen: true})
			s := f.start("t-1")
			for _, data := range c.costs {
				f.append(s, event(eventlog.TypeCost, data))
				f.reopen() // cumulative amounts are stored on disk
			}
			wantEqual(t, "totals of the session", asJSON(t, f.info(s).Totals), c.want)
			wantEqual(t, "totals of the task", asJSON(t, f.task("t-1").Totals), c.want)
		})
	}
}

func TestEachSessionIsCumulativeOnItsOwn(t *testing.T) {
	f := inMemory(t, nil)
	cost := event(eventlog.TypeCost, `{"usd":1.5,"model":"m","scope":"cumulative"}`)
	first := f.startBeside("t-1")
	second := f.startBeside("t-1")
	f.append(first, cost)
	f.append(second, cost)
	wantEqual(t, "usd of the first session", f.info(first).Totals.USD, 1.5)
	wantEqual(t, "usd of the second session", f.info(second).Totals.USD, 1.5)
	wantEqual(t, "usd of the task", f.task("t-1").Totals.USD, 3)
	f.ok(f.DeleteSession(t.Context(), "t-1", first.ID()))
	wantEqual(t, "usd of the task without the first", f.task("t-1").Totals.USD, 1.5)
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
