package eventlog_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

func spends(data string) eventlog.Event { return event(eventlog.TypeCost, data) }

// tokensOf is the input tokens of some tasks, or of all.
func (f *fixture) tokensOf(tasks ...string) (sum uint64) {
	f.Helper()
	all, err := f.Tasks(f.Context(), 0, 1000)
	f.ok(err)
	for _, task := range all {
		if len(tasks) == 0 || slices.Contains(tasks, task.ID) {
			sum += task.Totals.InputTokens
		}
	}
	return sum
}

func TestACostWithAnIDCountsOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		costs []string
		want  uint64
	}{
		{"once", []string{`{"id":"m","input_tokens":5}`}, 5},
		{"said twice", []string{`{"id":"m","input_tokens":5}`, `{"id":"m","input_tokens":5}`}, 5},
		{"as it grows", []string{`{"id":"m","input_tokens":5}`, `{"id":"m","input_tokens":7}`}, 7},
		{"in another order", []string{`{"id":"m","input_tokens":7}`, `{"id":"m","input_tokens":5}`}, 7},
		{"whatever its scope", []string{`{"id":"m","input_tokens":5,"scope":"cumulative"}`, `{"id":"m","input_tokens":7,"scope":"delta"}`}, 7},
		{"two of them add up", []string{`{"id":"m","input_tokens":5}`, `{"id":"n","input_tokens":7}`}, 12},
		{"beside one without", []string{`{"id":"m","input_tokens":5}`, `{"input_tokens":7}`, `{"id":"m","input_tokens":5}`}, 12},
		{"parts add up", []string{`{"id":"a","part_of":"s","input_tokens":5}`, `{"id":"b","part_of":"s","input_tokens":7}`}, 12},
		{"parts that are the whole", []string{`{"id":"a","part_of":"s","input_tokens":5}`, `{"id":"b","part_of":"s","input_tokens":7}`, `{"id":"s","input_tokens":12}`}, 12},
		{"a whole that is more than its parts", []string{`{"id":"a","part_of":"s","input_tokens":5}`, `{"id":"s","input_tokens":12}`}, 12},
		{"a whole that is less than its parts", []string{`{"id":"s","input_tokens":4}`, `{"id":"a","part_of":"s","input_tokens":5}`}, 5},
		{"parts after the whole", []string{`{"id":"s","input_tokens":12}`, `{"id":"a","part_of":"s","input_tokens":5}`, `{"id":"b","part_of":"s","input_tokens":9}`}, 14},
		{"turns add up", []string{`{"id":"s","turn":"1","input_tokens":5}`, `{"id":"s","turn":"2","input_tokens":7}`, `{"id":"s","turn":"1","input_tokens":5}`}, 12},
		{"a turn that grows", []string{`{"id":"s","turn":"1","input_tokens":5}`, `{"id":"s","turn":"1","input_tokens":7}`}, 7},
		{"turns that are the whole, and parts that are", []string{`{"id":"s","turn":"1","input_tokens":5}`, `{"id":"s","turn":"2","input_tokens":7}`, `{"id":"a","part_of":"s","input_tokens":12}`, `{"id":"s","input_tokens":12}`}, 12},
		{"turns that are more than the parts", []string{`{"id":"a","part_of":"s","input_tokens":4}`, `{"id":"s","turn":"1","input_tokens":5}`, `{"id":"b","part_of":"s","input_tokens":4}`, `{"id":"s","turn":"2","input_tokens":5}`}, 10},
		{"a turn and a part of one name", []string{`{"id":"s","turn":"a","input_tokens":4}`, `{"id":"a","part_of":"s","input_tokens":5}`, `{"id":"s","turn":"b","input_tokens":4}`}, 8},
		{"turns of two accounts", []string{`{"id":"s","turn":"1","input_tokens":5}`, `{"id":"r","turn":"1","input_tokens":5}`}, 10},
		{"parts of two wholes", []string{`{"id":"a","part_of":"s","input_tokens":5}`, `{"id":"a","part_of":"r","input_tokens":5}`}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, where := range []string{"one append", "one session", "sessions", "tasks"} {
				f := inMemory(t, &eventlog.Options{KeepOpen: true})
				s := f.startAs("t-0", "a", "")
				var all []eventlog.Event
				for i, data := range c.costs {
					switch where {
					case "one append":
						all = append(all, spends(data))
						continue
					case "sessions":
						s = f.startAs("t-0", "a", "")
					case "tasks":
						s = f.startAs(fmt.Sprint("t-", i), "a", "")
					}
					f.append(s, spends(data))
					f.reopen()
				}
				if len(all) > 0 {
					f.append(s, all...)
				}
				wantEqual(t, where, f.tokensOf(), c.want)
				f.append(s, complete())
				wantEqual(t, where+", sealed", f.tokensOf(), c.want)
			}
		})
	}
}

func TestASessionTellsWhatOfItsCostCountsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jr.db")
		f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
		first, second := f.startAs("t-1", "a", ""), f.startAs("t-2", "a", "")
		f.append(first, spends(`{"id":"m","part_of":"x","input_tokens":5,"usd":0.5}`))
		f.append(first, spends(`{"id":"n","part_of":"x","input_tokens":7}`))
		for _, data := range []string{`{"id":"m","part_of":"x","input_tokens":5,"usd":0.5}`, `{"id":"o","part_of":"x","output_tokens":2}`, `{"id":"y","input_tokens":100}`, `{"input_tokens":9}`} {
			f.append(second, spends(data))
		}
		want := func(what string, s *eventlog.Session, want eventlog.Elsewhere) {
			t.Helper()
			got, err := f.CountedElsewhere(t.Context(), s.Task(), s.ID())
			f.ok(err)
			wantEqual(t, what, fmt.Sprint(got), fmt.Sprint(want))
		}
		want("of the first", first, eventlog.Elsewhere{})
		want("of the second", second, eventlog.Elsewhere{Tokens: 5, USD: 0.5, Tasks: []string{"t-1"}})

		// Once the other session is deleted, all of the cost counts here.
		f.ok(f.DeleteTask(t.Context(), "t-1"))
		synctest.Wait() // the purger
		want("after the deletion", second, eventlog.Elsewhere{})
	})
}

func TestEachAmountOfACostCountsOnItsOwn(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	f.append(s,
		spends(`{"id":"a","part_of":"s","usd":0.5,"input_tokens":1,"output_tokens":20,"cache_read_tokens":3,"cache_write_tokens":40}`),
		spends(`{"id":"s","usd":0.25,"input_tokens":10,"output_tokens":2,"cache_read_tokens":30,"cache_write_tokens":4}`))
	wantEqual(t, "totals", f.info(s).Totals, eventlog.Totals{
		Events: 2, USD: 0.5, InputTokens: 10, OutputTokens: 20, CacheReadTokens: 30, CacheWriteTokens: 40,
	})
}

func TestTheIDsOfCostsAreTheirAgents(t *testing.T) {
	f := inMemory(t, nil)
	cost := spends(`{"id":"m","input_tokens":5}`)
	a, b := f.startAs("t-1", "a", ""), f.startAs("t-1", "b", "")
	f.append(a, cost)
	f.append(b, cost)
	wantEqual(t, "of two agents", f.tokensOf(), 10)
	// The account is of the agent at the time of the append.
	nobody := f.startAs("t-1", "", "")
	f.append(nobody, event("session", `{"agent":"a"}`), cost)
	wantEqual(t, "of one who said so just before", f.tokensOf(), 10)
	f.appendTo("t-2", event("session", `{"agent":"b"}`), cost)
	wantEqual(t, "of one who said so in the append that starts the session", f.tokensOf(), 10)
	f.appendTo("t-3", cost, event("session", `{"agent":"b"}`))
	wantEqual(t, "of one who said so just after", f.tokensOf(), 15)
}

func TestIDsOfCostsThatAreWrongAreRefused(t *testing.T) {
	f := inMemory(t, nil)
	long := strings.Repeat("x", 257)
	for data, field := range map[string]string{
		`{"id":""}`: "data.id", `{"id":1}`: "data.id", `{"id":null}`: "data.id", `{"id":"` + long + `"}`: "data.id",
		`{"id":"a","part_of":""}`: "data.part_of", `{"id":"a","part_of":{}}`: "data.part_of", `{"id":"a","part_of":"` + long + `"}`: "data.part_of",
		`{"part_of":"a"}`: "data.part_of", `{"turn":"1"}`: "data.turn", `{"id":"a","part_of":"s","turn":"1"}`: "data.turn",
		`{"id":"a","turn":""}`: "data.turn", `{"id":"a","turn":1}`: "data.turn", `{"id":"a","turn":"` + long + `"}`: "data.turn",
	} {
		_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{spends(data)}})
		wantField(t, data, err, field)
	}
	f.appendTo("t-1", spends(`{"id":"`+long[1:]+`","part_of":"`+long[1:]+`","input_tokens":3}`))
	wantEqual(t, "the longest", f.tokensOf(), 3)
}

func TestWhatADeletedSessionAddedCountsForOthersThatSaidIt(t *testing.T) {
	const a, b, whole = `{"id":"a","part_of":"s","input_tokens":5,"model":"m"}`, `{"id":"b","part_of":"s","input_tokens":7,"model":"m"}`, `{"id":"s","input_tokens":20,"usd":1,"model":"m"}`
	for _, c := range []struct {
		name     string
		said     [][]string // by session; the first session is deleted
		open     bool       // the other sessions are open
		want     []uint64   // of the others
		unpriced []uint64
	}{
		{"nobody else said it", [][]string{{a}, {b}}, false, []uint64{7}, []uint64{7}},
		{"another said it as well", [][]string{{a}, {a}}, false, []uint64{5}, []uint64{5}},
		{"another that is open", [][]string{{a}, {a}}, true, []uint64{5}, []uint64{5}},
		{"the newest of two, and only what it said", [][]string{{a, b}, {a}, {a}, {b}}, false, []uint64{0, 5, 7}, []uint64{0, 5, 7}},
		{"one said less", [][]string{{`{"id":"a","part_of":"s","input_tokens":9}`}, {a}}, false, []uint64{5}, []uint64{5}},
		{"one said more", [][]string{{a}, {`{"id":"a","part_of":"s","input_tokens":9}`}}, false, []uint64{9}, []uint64{9}},
		{"the whole is gone, its parts are not", [][]string{{whole}, {a}, {b}}, false, []uint64{5, 7}, []uint64{5, 7}},
		{"parts are gone, the whole is not", [][]string{{a, b}, {whole}}, false, []uint64{20}, []uint64{0}},
		{"what was lifted by a part that is gone counts less", [][]string{{`{"id":"c","part_of":"s","input_tokens":20}`}, {whole}, {a}}, false, []uint64{15, 5}, []uint64{0, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "jr.db")
				f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
				var sessions []*eventlog.Session
				for i, said := range c.said {
					s := f.startAs(fmt.Sprint("t-", i), "x", "")
					sessions = append(sessions, s)
					for _, data := range said {
						f.append(s, spends(data))
					}
					if i == 0 || !c.open {
						f.append(s, complete())
					}
				}
				f.ok(f.DeleteSession(t.Context(), "t-0", sessions[0].ID()))
				synctest.Wait() // the purger
				for i, s := range sessions[1:] {
					info, task := f.info(s), f.task(s.Task())
					wantEqual(t, fmt.Sprint("tokens of ", s.Task()), info.Totals.InputTokens, c.want[i])
					wantEqual(t, fmt.Sprint("of the task ", s.Task()), task.Totals, info.Totals)
					var unpriced uint64
					for _, m := range info.Unpriced {
						unpriced += m.InputTokens
					}
					wantEqual(t, fmt.Sprint("unpriced tokens of ", s.Task()), unpriced, c.unpriced[i])
					wantSlice(t, "unpriced of the task", task.Unpriced, info.Unpriced)
				}
				f.close()
				wantSound(t, path)
			})
		})
	}
}

// costSaid is one statement of a cost, and the session that made it.
type costSaid struct {
	session, member int // member 0 is the whole, a negative one is a turn
	account         int
	amount          uint64
}

func (s costSaid) event() eventlog.Event {
	id, part := fmt.Sprint("account-", s.account), ""
	switch {
	case s.member < 0:
		part = fmt.Sprintf(`"turn":"%d",`, -s.member)
	case s.member > 0:
		id, part = fmt.Sprint("member-", s.member), fmt.Sprintf(`"part_of":"account-%d",`, s.account)
	}
	// A power of two of dollars adds up exactly.
	return spends(fmt.Sprintf(`{"id":%q,%s"input_tokens":%d,"usd":%v,"output_tokens":%d,"model":"m-%d"}`,
		id, part, s.amount, float64(s.amount)/4, 20-s.amount, s.amount%3))
}

// worth computes the expected sum of all statements in a simple way.
func worth(all []costSaid) (sum eventlog.Totals) {
	type amounts [2]uint64
	whole, members := map[int]amounts{}, map[[2]int]amounts{}
	most := func(a amounts, s costSaid) amounts { return amounts{max(a[0], s.amount), max(a[1], 20-s.amount)} }
	for _, s := range all {
		if s.member == 0 {
			whole[s.account] = most(whole[s.account], s)
		} else { // turns have their own names
			members[[2]int{s.account, s.member}] = most(members[[2]int{s.account, s.member}], s)
		}
	}
	parts, turns := map[int]amounts{}, map[int]amounts{}
	for key, m := range members {
		in := parts
		if key[1] < 0 {
			in = turns
		}
		p := in[key[0]]
		in[key[0]] = amounts{p[0] + m[0], p[1] + m[1]}
	}
	for account := range 3 {
		w, p, t := whole[account], parts[account], turns[account]
		sum.InputTokens += max(w[0], p[0], t[0])
		sum.OutputTokens += max(w[1], p[1], t[1])
	}
	sum.USD = eventlog.USD(sum.InputTokens) / 4
	return sum
}

func TestCostsAddUpToTheSameHoweverTheyAreSaid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		statement := rapid.Custom(func(r *rapid.T) costSaid {
			return costSaid{
				session: rapid.IntRange(0, 3).Draw(r, "session"), account: rapid.IntRange(0, 2).Draw(r, "account"),
				member: rapid.IntRange(-2, 2).Draw(r, "member"), amount: rapid.Uint64Range(0, 20).Draw(r, "amount"),
			}
		})
		all := rapid.SliceOfN(statement, 1, 20).Draw(r, "statements")
		again := rapid.SliceOf(rapid.SampledFrom(all)).Draw(r, "repeated")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "order"), 0))
		synctest.Test(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
			sessions := map[int]*eventlog.Session{}
			for i := range 4 {
				sessions[i] = f.startAs(fmt.Sprint("t-", i%3), "x", "")
			}
			add := func(statements []costSaid) {
				for len(statements) > 0 {
					// Some of them go into one append, if they are of one session.
					n := 1
					for n < len(statements) && statements[n].session == statements[0].session && random.IntN(2) == 0 {
						n++
					}
					var events []eventlog.Event
					for _, s := range statements[:n] {
						events = append(events, s.event())
					}
					f.append(sessions[statements[0].session], events...)
					statements = statements[n:]
				}
			}
			check := func(when string, left []costSaid) {
				t.Helper()
				synctest.Wait()
				var sum, ofSessions eventlog.Totals
				tasks, err := f.Tasks(t.Context(), 0, 100)
				f.ok(err)
				for _, task := range tasks {
					sum = sumOf(sum, task.Totals)
				}
				for _, s := range sessions {
					ofSessions = sumOf(ofSessions, f.info(s).Totals)
				}
				want := worth(left)
				wantEqual(t, when, sum, want)
				wantEqual(t, when+": the sessions", ofSessions, want)
			}
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			add(all)
			check("at first", all)
			add(again)
			check("with repetitions", all)
			f.append(sessions[1], complete())
			left := all
			for _, gone := range random.Perm(4) {
				f.ok(f.DeleteSession(t.Context(), sessions[gone].Task(), sessions[gone].ID()))
				delete(sessions, gone)
				left = slices.DeleteFunc(slices.Clone(left), func(s costSaid) bool { return s.session == gone })
				check(fmt.Sprint("without session ", gone), left)
				f.reopen()
			}
			f.close()
			wantSound(t, path)
			wantEqual(t, "accounts that are left", countKeys(t, openToLook(t, path), "accounts"), 0)
		})
		if t.Failed() {
			r.Fatal("see above")
		}
	})
}

func sumOf(a, b eventlog.Totals) eventlog.Totals {
	return eventlog.Totals{
		USD: a.USD + b.USD, InputTokens: a.InputTokens + b.InputTokens, OutputTokens: a.OutputTokens + b.OutputTokens,
	}
}

// openToLook opens a store until the test ends.
func openToLook(t *testing.T, path string) store.Store {
	t.Helper()
	store := openStore(t, path)
	t.Cleanup(func() { store.Close() })
	return store
}

func TestTokensAreUnpricedUntilACostNamesMoney(t *testing.T) {
	for _, c := range []struct {
		name  string
		costs []string
		want  string
	}{
		{"never", []string{`{"input_tokens":5,"model":"m"}`, `{"output_tokens":2,"model":"m"}`}, `[{m 5 2 0 0}]`},
		{"in the same event", []string{`{"input_tokens":5,"usd":1,"model":"m"}`}, `[]`},
		{"later", []string{`{"input_tokens":5,"model":"m"}`, `{"usd":1,"model":"m"}`}, `[]`},
		{"before", []string{`{"usd":1,"model":"m"}`, `{"cache_read_tokens":5,"model":"m"}`}, `[{m 0 0 5 0}]`},
		{"of another model", []string{`{"input_tokens":5,"model":"m"}`, `{"input_tokens":3}`, `{"usd":1,"model":"n"}`}, `[{ 3 0 0 0} {m 5 0 0 0}]`},
		{"as the agent's own total", []string{
			`{"id":"a","part_of":"s/m","input_tokens":5,"model":"m"}`, `{"id":"b","part_of":"s/m","input_tokens":6,"model":"m"}`,
			`{"id":"s/m","usd":0.5,"input_tokens":11,"model":"m"}`, `{"id":"a","part_of":"s/m","input_tokens":5,"model":"m"}`,
		}, `[]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := inMemory(t, &eventlog.Options{KeepOpen: true})
			s := f.start("t-1")
			for _, data := range c.costs {
				f.append(s, spends(data))
				f.reopen()
			}
			wantEqual(t, "open", fmt.Sprint(f.info(s).Unpriced), c.want)
			wantEqual(t, "of the task", fmt.Sprint(f.task("t-1").Unpriced), c.want)
			f.append(s, complete())
			f.reopen()
			wantEqual(t, "sealed", fmt.Sprint(f.info(s).Unpriced), c.want)
			wantEqual(t, "of the task", fmt.Sprint(f.task("t-1").Unpriced), c.want)
			other := f.start("t-1")
			f.ok(f.DeleteSession(t.Context(), "t-1", s.ID()))
			wantEqual(t, "of the task, deleted", len(f.task("t-1").Unpriced), 0)
			f.append(other, complete())
		})
	}
}

func TestASessionTells32ModelsApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	const models = 2000
	var events []eventlog.Event
	for i := range models {
		events = append(events, spends(fmt.Sprintf(`{"input_tokens":1,"model":"m-%d","scope":"cumulative"}`, i)))
		events = append(events, spends(fmt.Sprintf(`{"input_tokens":1,"model":"m-%d","id":"%d","part_of":"x"}`, i, i)))
	}
	f.append(s, events...)
	check := func(when string) {
		t.Helper()
		info, task := f.info(s), f.task("t-1")
		wantEqual(t, when+": models", len(info.Unpriced), 33)
		names := map[string]uint64{}
		for _, m := range info.Unpriced {
			names[m.Model] = m.InputTokens
		}
		wantEqual(t, when+": one of them", names["m-3"], 2)
		wantEqual(t, when+": all others", names["other"] > models-32, true)
		wantEqual(t, when+": of the task", len(task.Unpriced), 33)
		wantEqual(t, when+": tokens", slices.Collect(maps.Values(names)) != nil, true)
	}
	check("open")
	f.append(s, complete())
	check("sealed")
	f.close()
	wantSound(t, path)
}

func TestABatchWhoseAccountIsDamagedIsRefusedAsAWhole(t *testing.T) {
	store := eventlogtest.NewStore()
	f := on(t, store, nil)
	s := f.start("t-1")
	f.append(s, spends(`{"id":"m","input_tokens":5}`))
	damage(t, store, "accounts", "")
	_, err := s.Append(t.Context(), says("x"), spends(`{"id":"m","input_tokens":6}`))
	wantErr(t, "a cost of the account", err, eventlog.ErrDamaged)
	wantEqual(t, "head", f.info(s).Head, 1)
	_, err = f.Append(t.Context(), &eventlog.Batch{Task: "t-2", Events: []eventlog.Event{spends(`{"id":"m","input_tokens":6}`)}})
	wantErr(t, "a cost of the account in a new task", err, eventlog.ErrDamaged)
	_, err = f.Task(t.Context(), "t-2")
	wantErr(t, "the new task", err, eventlog.ErrTaskNotFound)
	f.append(s, spends(`{"id":"n","input_tokens":1}`), complete()) // damage is local
}
