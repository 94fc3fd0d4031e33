package eventlog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

var usageStart = time.Date(2025, 11, 1, 12, 0, 0, 0, time.UTC)

// usageRows are all rows as text, in their order.
func (f *fixture) usageRows() (rows []string) {
	f.Helper()
	f.ok(f.Usage(f.T.Context(), time.Unix(0, 0), usageStart.AddDate(50, 0, 0), func(u *eventlog.UsageRow) bool {
		unpriced := eventlog.Spent{InputTokens: u.Unpriced.InputTokens, OutputTokens: u.Unpriced.OutputTokens}
		rows = append(rows, usageText(u.Day.Format(time.DateOnly), [5]string{u.Agent, u.Model, u.Project, u.Person, u.Machine}, u.Spent, unpriced))
		return true
	}))
	slices.Sort(rows)
	return rows
}

func usageText(day string, names [5]string, v, unpriced eventlog.Spent) string {
	return fmt.Sprintf("%s %s usd=%v in=%d out=%d unpriced=%d,%d", day, strings.Join(names[:], "|"), v.USD, v.InputTokens, v.OutputTokens, unpriced.InputTokens, unpriced.OutputTokens)
}

func costAt(at time.Time, data string) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeCost, Time: at, Data: []byte(data)}
}

// usageOracle counts again what the log counts, and forgets nothing.
type usageOracle struct {
	days     map[string]eventlog.Spent // by day and names
	unpriced map[string]eventlog.Spent
	said     map[string]map[int]eventlog.Spent // by id, then session
	sessions []*oracleSession
}

type oracleSession struct {
	*eventlog.Session
	number  int
	task    string
	names   [5]string // without model and project
	last    map[string]eventlog.Spent
	waiting map[string][]waiting // unpriced tokens by model
	gone    bool
}

type waiting struct {
	row    string
	tokens eventlog.Spent
}

func plus(a, b eventlog.Spent) eventlog.Spent {
	return eventlog.Spent{USD: a.USD + b.USD, InputTokens: a.InputTokens + b.InputTokens, OutputTokens: a.OutputTokens + b.OutputTokens}
}

func minus(a, b eventlog.Spent) eventlog.Spent {
	return eventlog.Spent{USD: max(0, a.USD-b.USD), InputTokens: max(a.InputTokens, b.InputTokens) - b.InputTokens, OutputTokens: max(a.OutputTokens, b.OutputTokens) - b.OutputTokens}
}

func most(a, b eventlog.Spent) eventlog.Spent {
	return eventlog.Spent{USD: max(a.USD, b.USD), InputTokens: max(a.InputTokens, b.InputTokens), OutputTokens: max(a.OutputTokens, b.OutputTokens)}
}

func (o *usageOracle) cost(s *oracleSession, project, model, id string, cumulative bool, at time.Time, v eventlog.Spent) {
	added := v
	switch {
	case id != "":
		id = s.names[0] + " " + id
		if o.said[id] == nil {
			o.said[id] = map[int]eventlog.Spent{}
		}
		var worth eventlog.Spent
		for _, said := range o.said[id] {
			worth = most(worth, said)
		}
		added = minus(v, worth)
		o.said[id][s.number] = most(o.said[id][s.number], v)
	case cumulative:
		added = minus(v, s.last[model])
		s.last[model] = v
	}
	if v.USD > 0 {
		for _, w := range s.waiting[model] {
			o.unpriced[w.row] = minus(o.unpriced[w.row], w.tokens)
		}
		s.waiting[model] = nil
	}
	if added == (eventlog.Spent{}) {
		return
	}
	names := s.names
	names[1], names[2] = model, project
	row := at.UTC().Format(time.DateOnly) + " " + strings.Join(names[:], "|")
	o.days[row] = plus(o.days[row], added)
	if v.USD == 0 {
		o.unpriced[row] = plus(o.unpriced[row], added)
		s.waiting[model] = append(s.waiting[model], waiting{row, added})
	}
}

func (o *usageOracle) rows() (rows []string) {
	for row, v := range o.days {
		day, names, _ := strings.Cut(row, " ")
		rows = append(rows, usageText(day, [5]string(strings.Split(names, "|")), v, o.unpriced[row]))
	}
	slices.Sort(rows)
	return rows
}

// What was spent by day is what an oracle counts that sees every append once, and forgets
// nothing that is deleted.
func TestUsageIsWhatAnOracleCountsThatForgetsNothing(t *testing.T) {
	cases := 60
	if testing.Short() {
		cases = 10
	}
	for seed := range uint64(cases) {
		usageCase(t, seed)
	}
}

func usageCase(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 14))
	db := newPurgedStore()
	now := usageStart.AddDate(0, 0, 20)
	f := on(t, db, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return now }})
	o := &usageOracle{days: map[string]eventlog.Spent{}, unpriced: map[string]eventlog.Spent{}, said: map[string]map[int]eventlog.Spent{}}
	projects := map[string]string{}
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for step := range 120 {
		now = now.Add(time.Minute)
		var s *oracleSession
		if n := len(o.sessions); n > 0 {
			s = o.sessions[random.IntN(n)]
		}
		switch dice := random.IntN(100); {
		case s == nil || dice < 10:
			task := pick("a", "b")
			names := [5]string{pick("codex", "claude"), "", "", pick("ada", "bob"), pick("box", "")}
			started, err := f.Start(t.Context(), task, &eventlog.StartOptions{Concurrent: true, Agent: names[0], Owner: names[3], Machine: names[4]})
			f.ok(err)
			o.sessions = append(o.sessions, &oracleSession{
				Session: started, number: len(o.sessions), task: task, names: names,
				last: map[string]eventlog.Spent{}, waiting: map[string][]waiting{},
			})
		case dice < 14:
			task := pick("a", "b")
			projects[task] = pick("shop", "site", "")
			project := projects[task]
			_, _, err := f.PutTask(t.Context(), task, eventlog.TaskChange{Project: &project})
			f.ok(err)
		case dice < 18 && !s.gone: // seals it as well
			_ = f.DeleteSession(t.Context(), s.task, s.ID())
			s.gone = true
			for _, said := range o.said {
				delete(said, s.number)
			}
			db.purged(t)
		case dice < 20:
			f.reopen()
			for _, s := range o.sessions {
				s.Session = f.Log.Session(s.task, s.ID())
			}
		case dice < 22 && !s.gone:
			info := f.info(s.Session)
			f.ok(f.Trim(t.Context(), s.task, s.ID(), info.Head/2))
		case s.gone:
		default:
			var batch []eventlog.Event
			var count []func()
			for range 1 + random.IntN(3) {
				at := usageStart.Add(time.Duration(random.IntN(5*24)) * time.Hour)
				v := eventlog.Spent{InputTokens: uint64(random.IntN(40)), OutputTokens: uint64(random.IntN(9))}
				if random.IntN(3) == 0 {
					v.USD = float64(random.IntN(9)) / 4
				}
				model, id, scope := pick("m", "n"), "", "delta"
				switch random.IntN(3) {
				case 0:
					id = pick("i", "j", "k")
				case 1:
					scope = "cumulative"
				}
				batch = append(batch, costAt(at, fmt.Sprintf(`{"usd":%v,"input_tokens":%d,"output_tokens":%d,"model":%q,"id":%q,"scope":%q}`, v.USD, v.InputTokens, v.OutputTokens, model, id, scope)))
				if id == "" {
					batch[len(batch)-1].Data = []byte(strings.Replace(string(batch[len(batch)-1].Data), `"id":"",`, "", 1))
				}
				project := projects[s.task]
				count = append(count, func() { o.cost(s, project, model, id, scope == "cumulative", at, v) })
			}
			key := eventlog.Key{ID: fmt.Sprint("step-", step)}
			for range 1 + random.IntN(2) { // a retry counts nothing
				_, err := f.Append(t.Context(), &eventlog.Batch{Task: s.task, Session: s.ID(), Events: batch, Key: key})
				f.ok(err)
			}
			for _, c := range count {
				c()
			}
		}
		if got, want := f.usageRows(), o.rows(); !slices.Equal(got, want) {
			t.Fatalf("seed %d, step %d:\n%s\nwant\n%s", seed, step, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestADayHasABoundedNumberOfRowsOfBoundedNames(t *testing.T) {
	f := inMemory(t, &eventlog.Options{Now: func() time.Time { return usageStart }})
	s := f.start("t-1")
	var events []eventlog.Event
	for i := range 1005 {
		events = append(events, costAt(usageStart, fmt.Sprintf(`{"input_tokens":1,"model":"m%d"}`, i)))
	}
	f.append(s, events[:600]...)
	f.append(s, events[600:]...)
	rows := f.usageRows()
	wantEqual(t, "rows of a day", len(rows), 1001)
	wantEqual(t, "all others", slices.Contains(rows, usageText("2025-11-01", [5]string{"other", "other", "other", "other", "other"}, eventlog.Spent{InputTokens: 5}, eventlog.Spent{InputTokens: 5})), true)

	long := strings.Repeat("x", 1000)
	f = inMemory(t, &eventlog.Options{Now: func() time.Time { return usageStart }})
	s = f.start("t-1")
	f.append(s, costAt(usageStart, `{"input_tokens":1,"model":"`+long+`a"}`), costAt(usageStart, `{"input_tokens":1,"model":"`+long+`b"}`))
	wantEqual(t, "rows of two long names", len(f.usageRows()), 2)
	f.ok(f.Usage(t.Context(), usageStart, usageStart, func(u *eventlog.UsageRow) bool {
		wantEqual(t, "length of a long name", len(u.Model), 128)
		return true
	}))
}

// A time that cannot be right makes no row of its own: there are as many as there are days.
func TestATimeThatCannotBeRightCountsNow(t *testing.T) {
	f := inMemory(t, &eventlog.Options{Now: func() time.Time { return usageStart }})
	s := f.start("t-1")
	for _, at := range []time.Time{usageStart.Add(time.Hour * 13), time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		f.append(s, costAt(at, `{"usd":1}`))
	}
	f.append(s, costAt(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), `{"usd":1}`))
	wantSlice(t, "rows", f.usageRows(), []string{
		usageText("2000-01-01", [5]string{}, eventlog.Spent{USD: 1}, eventlog.Spent{}),
		usageText("2025-11-01", [5]string{}, eventlog.Spent{USD: 3}, eventlog.Spent{}),
	})
}

// A damaged row keeps no append from its commit, and no other row from being read.
func TestADamagedRowOfUsageHoldsUpNothing(t *testing.T) {
	f := inMemory(t, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return usageStart }})
	s := f.start("t-1")
	f.append(s, costAt(usageStart, `{"usd":1,"model":"a"}`), costAt(usageStart, `{"usd":1,"model":"b"}`))
	f.close()
	f.ok(f.open().Update(t.Context(), func(tx store.Tx) error {
		for key, value := range tx.Ascend(store.Usage, nil, nil) {
			value = slices.Clone(value)
			value[len(value)-1] ^= 1
			tx.Put(store.Usage, slices.Clone(key), value)
			break
		}
		return nil
	}))
	f.reopen()
	s = f.Log.Session("t-1", s.ID())
	f.append(s, costAt(usageStart, `{"usd":1,"model":"a"}`), costAt(usageStart, `{"usd":1,"model":"b"}`))
	rows := f.usageRows()
	wantEqual(t, "rows that can be read", len(rows), 1)
	wantEqual(t, "the other one counts on", strings.Contains(rows[0], "usd=2"), true)
}

func BenchmarkUsageOfAYear(b *testing.B) {
	now := usageStart
	log, err := eventlog.Open(b.TempDir()+"/jr.db", &eventlog.Options{Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	s, err := log.Start(b.Context(), "t-1", nil)
	if err != nil {
		b.Fatal(err)
	}
	for day := range 365 { // 20 rows a day
		var events []eventlog.Event
		for i := range 20 {
			events = append(events, costAt(usageStart.AddDate(0, 0, -day), fmt.Sprintf(`{"input_tokens":1,"model":"model-%d"}`, i)))
		}
		if _, err := s.Append(b.Context(), events...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		rows := 0
		err := log.Usage(b.Context(), usageStart.AddDate(-1, 0, 0), usageStart, func(*eventlog.UsageRow) bool { rows++; return true })
		if err != nil || rows != 365*20 {
			b.Fatal(rows, err)
		}
	}
}
