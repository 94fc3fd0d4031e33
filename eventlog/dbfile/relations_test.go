package dbfile_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/event"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// doctored is a database with changed records whose checksums match. So the only thing to
// find is that they do not agree.
type doctored struct {
	store.Tx
	t            *testing.T
	done, open   event.SessionID // sessions of tasks "done" and "open"
	paid, also   event.SessionID // of task "paid", one sealed and one open, with costs in one account
	account      record.AccountID
	member       []byte // its key
	keyed, other []byte // an idempotency key of "done", and a free id
}

func (d *doctored) put(b store.Bucket, key, payload []byte) {
	d.Put(b, key, record.Encode(b, key, payload))
}

func (d *doctored) task(id string, change func(*record.Task)) {
	t, err := record.StoredTask(d, id)
	if err != nil {
		d.t.Fatal(err)
	}
	change(t)
	d.Put(store.Tasks, []byte(id), record.EncodeJSON(store.Tasks, []byte(id), t))
}

func (d *doctored) session(task string, id event.SessionID, change func(*record.Session)) {
	s, err := record.ReadSession(d, task, id)
	if err != nil {
		d.t.Fatal(err)
	}
	change(s)
	key := record.SessionKey(task, id)
	d.Put(store.Sessions, key, s.Encode(key))
}

// state changes the state of an open session.
func (d *doctored) state(task string, id event.SessionID, change func(*record.State)) {
	s, err := record.ReadSessionState(d, task, id)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Delete(store.Events, record.StateKey(id, s.Head))
	change(&s)
	d.putState(task, id, &s)
}

func (d *doctored) putState(task string, id event.SessionID, s *record.State) {
	key := record.StateKey(id, s.Head)
	d.Put(store.Events, key, record.EncodeState(key, task, s))
}

func (d *doctored) spent(id event.SessionID, models record.Spending) {
	d.Put(store.Spent, id[:], record.EncodeSpending(id[:], models))
}

// active puts an entry of a change.
func (d *doctored) active(change uint64, task string, replaced ...uint64) {
	key := record.ChangeKey(change)
	d.Put(store.Activity, key, record.EncodeActivity(key, task, replaced))
}

func (d *doctored) event(id event.SessionID, sequence uint64, typ, data string) {
	d.eventOf(id, sequence, 0, typ, data)
}

func (d *doctored) eventOf(id event.SessionID, sequence, change uint64, typ, data string) {
	key := record.EventKey(id, sequence)
	d.Put(store.Events, key, record.EncodeEvent(key, &event.Event{Time: time.Now(), Type: typ, Actor: event.Agent, Data: json.RawMessage(data), Change: change}))
}

// first returns the first key of a bucket.
func (d *doctored) first(b store.Bucket) []byte {
	for key := range d.Ascend(b, nil, nil) {
		return bytes.Clone(key)
	}
	d.t.Fatalf("bucket %s is empty", b)
	return nil
}

func TestCheckFindsRecordsThatDoNotAgree(t *testing.T) {
	for _, c := range []struct {
		name   string
		doctor func(*doctored)
		want   string // of a finding; empty: nothing is found
	}{
		{"nothing was changed", func(*doctored) {}, ""},
		{"an event is missing", func(d *doctored) { d.Delete(store.Events, record.EventKey(d.done, 2)) }, ":2: is missing"},
		{"events are missing at the end", func(d *doctored) {
			d.Delete(store.Events, record.EventKey(d.done, 4))
			d.Delete(store.Events, record.EventKey(d.done, 5))
		}, ":4: is missing, with all up to 5"},
		{"all events are missing", func(d *doctored) {
			for n := range uint64(2) {
				d.Delete(store.Events, record.EventKey(d.open, n+1))
			}
		}, "all its events are missing"},
		{"an event is beyond the head", func(d *doctored) { d.event(d.done, 6, "note", `{}`) }, "is beyond the head"},
		{"an event is in the place of a state", func(d *doctored) { d.event(d.open, 3, "note", `{}`) }, "is open, and has no state"},
		{"an event was trimmed and is there", func(d *doctored) {
			d.session("open", d.open, func(s *record.Session) { s.First = 2 })
		}, "was trimmed, and is still there"},
		{"the changes of events fall", func(d *doctored) { d.event(d.done, 5, "complete", `{}`) }, ":5: was committed by change 0, and the event before it by "},
		{"an event is of a change to come", func(d *doctored) { d.eventOf(d.done, 5, 1000, "complete", `{}`) }, ":5: was committed by change 1000, and the last one of its task is "},
		{"an event is older than its session", func(d *doctored) {
			d.session("done", d.done, func(s *record.Session) { s.Born = 500 })
		}, ":1: was committed by change "},
		{"a session does not name one beside it", func(d *doctored) {
			paid, err := record.ReadSession(d, "paid", d.paid)
			if err != nil {
				d.t.Fatal(err)
			}
			d.session("paid", d.also, func(s *record.Session) { s.Born = paid.Born - 1 })
		}, "which does not name it"},
		{"the changes of sessions fall", func(d *doctored) {
			d.session("paid", d.also, func(s *record.Session) { s.Born = 1 })
		}, "was started by change 1, and an older one by"},
		{"events have no session", func(d *doctored) { d.event(event.SessionID(d.other), 1, "note", `{}`) }, ":1: its session does not exist"},
		{"events without a session are in the trash", func(d *doctored) {
			d.event(event.SessionID(d.other), 1, "note", `{}`)
			d.put(store.Trash, append([]byte("events\x00"), d.other...), nil)
		}, ""},
		{"the trash holds events of a session", func(d *doctored) {
			d.put(store.Trash, append([]byte("events\x00"), d.open[:]...), nil)
		}, "are to be removed, and it is not"},
		{"the trash holds what nobody can remove", func(d *doctored) { d.put(store.Trash, []byte("tasks\x00done"), nil) }, "names nothing that can be removed"},
		{"a key of an event is none", func(d *doctored) { d.put(store.Events, []byte("short"), nil) }, "is no key of an event"},
		{"an event is too short", func(d *doctored) { d.put(store.Events, record.EventKey(d.open, 2), []byte("x")) }, "event is too short"},
		{"a sealed session does not end with complete", func(d *doctored) { d.event(d.done, 5, "note", `{}`) }, "is sealed, and its last event is not complete"},
		{"an open session ends with complete", func(d *doctored) {
			d.event(d.open, 2, "complete", `{"status":"failed"}`)
		}, "is open, and its last event is complete"},
		{"complete says something else", func(d *doctored) {
			d.event(d.done, 5, "complete", `{"status":"failed"}`)
		}, "is succeeded (), and its last event says failed ()"},
		{"complete is in the middle", func(d *doctored) {
			d.event(d.done, 2, "complete", `{"status":"failed"}`)
		}, ":3: follows the end of its session"},
		{"a cost is none", func(d *doctored) { d.event(d.done, 2, "cost", `{"usd":-1}`) }, "data.usd"},
		{"costs do not add up", func(d *doctored) { d.event(d.done, 2, "cost", `{"usd":7}`) }, "its totals are"},
		{"a cumulative cost does not add up", func(d *doctored) {
			d.event(d.done, 4, "cost", `{"usd":4,"model":"a","scope":"cumulative"}`)
		}, "its totals are"},
		{"a session counts events wrongly", func(d *doctored) {
			d.session("done", d.done, func(s *record.Session) { s.Totals.Events++ })
		}, "counts 6 events, and its head is 5"},
		{"an open session has no state", func(d *doctored) { d.Delete(store.Events, record.StateKey(d.open, 2)) }, "is open, and has no state"},
		{"a sealed session has a state", func(d *doctored) { d.putState("done", d.done, &record.State{Head: 5}) }, ":6: is the state of a sealed session"},
		{"a state has no session", func(d *doctored) { d.putState("done", event.SessionID(d.other), &record.State{}) }, ":1: is the state of a session that does not exist"},
		{"a state of a deleted session is in the trash", func(d *doctored) {
			d.putState("done", event.SessionID(d.other), &record.State{})
			d.put(store.Trash, append([]byte("events\x00"), d.other...), nil)
		}, ":1: is the state of a session that does not exist"},
		{"a session has two states", func(d *doctored) { d.putState("open", d.open, &record.State{Head: 3}) }, ":3: is not the last state of its session"},
		{"a state is of another task", func(d *doctored) { d.putState("done", d.open, &record.State{Head: 2}) }, `:3: is a state in task "done", its session is in open`},
		{"a state is too short", func(d *doctored) { d.put(store.Events, record.StateKey(d.open, 2), make([]byte, record.StateHeader-1)) }, "state is too short"},
		{"a state has a head that is no event", func(d *doctored) {
			d.state("open", d.open, func(s *record.State) { s.Head++ })
		}, ":3: is missing"},
		{"what an open session has cost does not add up", func(d *doctored) {
			d.spent(d.open, record.Spending{"m": {Amounts: record.Amounts{InputTokens: 1}}})
		}, "its totals are"},
		{"what an open session has cost has a cumulative cost that is no event's", func(d *doctored) {
			d.spent(d.open, record.Spending{"m": {Last: record.Amounts{USD: 1}}})
		}, "its totals are"},
		{"what an open session has cost is missing", func(d *doctored) { d.Delete(store.Spent, d.also[:]) }, "its totals are"},
		{"an open session has other unpriced tokens", func(d *doctored) {
			d.spent(d.open, record.Spending{})
			d.event(d.open, 2, "cost", `{"input_tokens":1}`)
			d.spent(d.open, record.Spending{"": {Amounts: record.Amounts{InputTokens: 1}}})
		}, "its totals are"},
		{"what an open session has cost is too short", func(d *doctored) { d.put(store.Spent, d.also[:], []byte{0, 1, 'm'}) }, "is too short"},
		{"a sealed session has what only open ones have", func(d *doctored) { d.spent(d.done, record.Spending{}) }, "the session is sealed"},
		{"a session that is not has cost something", func(d *doctored) { d.spent(event.SessionID(d.other), record.Spending{}) }, "the session does not exist"},
		{"what has cost something is no session", func(d *doctored) { d.put(store.Spent, []byte("x"), nil) }, "is no session"},
		{"a checksum of what a session has cost does not match", func(d *doctored) {
			d.Put(store.Spent, d.also[:], []byte("\x01xxxxxxxx"))
		}, "checksum does not match"},
		{"a session ended at another time than it says", func(d *doctored) {
			d.session("done", d.done, func(s *record.Session) { s.Ended = event.Time{Time: time.UnixMilli(1)} })
		}, "ended 1970-01-01T00:00:00.001Z, and its last event is of"},
		{"a session with an external id is not listed under it", func(d *doctored) {
			d.Delete(store.External, record.ExternalKey("a", "x", d.paid))
		}, "is not listed under its external id"},
		{"a session is listed under another external id", func(d *doctored) {
			d.put(store.External, record.ExternalKey("a", "y", d.paid), []byte("paid"))
		}, "the session has another external id"},
		{"a session that is not has an external id", func(d *doctored) {
			d.put(store.External, record.ExternalKey("a", "y", event.SessionID(d.other)), []byte("paid"))
		}, "the session does not exist"},
		{"an external id is none", func(d *doctored) { d.put(store.External, []byte("\x00\x01x"), []byte("paid")) }, "is no external id"},
		{"a checksum of an external id does not match", func(d *doctored) {
			d.Put(store.External, record.ExternalKey("a", "x", d.paid), []byte("\x01xxxxxxxx"))
		}, "checksum does not match"},
		{"an account is missing", func(d *doctored) { d.Delete(store.Accounts, record.AccountKey(d.account)) }, "is missing"},
		{"a key of an account is none", func(d *doctored) { d.put(store.Accounts, append(d.account[:], 3), nil) }, "is no key of an account"},
		{"a record of an account is none", func(d *doctored) { d.put(store.Accounts, record.AccountKey(d.account), []byte{1}) }, "is no record of an account"},
		{"an account costs more as a whole than anybody said", func(d *doctored) {
			d.put(store.Accounts, record.AccountKey(d.account), (&record.AccountSums{Whole: record.Amounts{InputTokens: 9}, Members: record.Amounts{InputTokens: 7}}).Encode())
		}, "sessions said"},
		{"the members of an account add up to something else", func(d *doctored) {
			d.put(store.Accounts, record.AccountKey(d.account), (&record.AccountSums{Whole: record.Amounts{InputTokens: 8}, Members: record.Amounts{InputTokens: 6}}).Encode())
		}, "its members cost"},
		{"the turns of an account add up to something else", func(d *doctored) {
			d.put(store.Accounts, record.AccountKey(d.account), (&record.AccountSums{Whole: record.Amounts{InputTokens: 8}, Members: record.Amounts{InputTokens: 7}, Turns: record.Amounts{InputTokens: 1}}).Encode())
		}, "its turns cost"},
		{"a member costs more than anybody said", func(d *doctored) {
			d.put(store.Accounts, d.member, (&record.MemberSum{Amounts: record.Amounts{InputTokens: 9}}).Encode())
		}, "sessions said"},
		{"a session has added less to an account", func(d *doctored) {
			d.put(store.Accounts, record.CreditKey(d.account, d.paid), (&record.Credit{Task: "paid"}).Encode())
		}, "its sessions have added"},
		{"a session that is not has added to an account", func(d *doctored) {
			d.put(store.Accounts, record.CreditKey(d.account, event.SessionID(d.other)), (&record.Credit{Task: "paid"}).Encode())
		}, "the session does not exist"},
		{"a session of another task has added to an account", func(d *doctored) {
			d.put(store.Accounts, record.CreditKey(d.account, d.open), (&record.Credit{Task: "paid"}).Encode())
		}, "the session does not exist"},
		{"what an event says counts in no account", func(d *doctored) {
			d.event(d.paid, 2, "cost", `{"id":"m-9","input_tokens":7}`)
		}, "what it says counts in no account"},
		{"what an event said is missing", func(d *doctored) {
			d.Delete(store.Said, record.SaidKey(d.also, d.account, record.WholeAccount))
		}, "sessions said"},
		{"what was said has no account", func(d *doctored) {
			d.put(store.Said, record.SaidKey(d.open, d.account, record.MemberID{1}), (&record.Saying{}).Encode())
		}, "counts in no account"},
		{"what was said is too short", func(d *doctored) {
			d.put(store.Said, record.SaidKey(d.also, d.account, record.WholeAccount), []byte{1})
		}, "is too short"},
		{"a key of what was said is none", func(d *doctored) { d.put(store.Said, []byte("x"), nil) }, "is no key of a cost"},
		{"nobody said it", func(d *doctored) {
			d.put(store.Said, record.SaidKey(event.SessionID(d.other), d.account, record.WholeAccount), (&record.Saying{}).Encode())
		}, "the session does not exist"},
		{"who said it is deleted, and it is in the trash", func(d *doctored) {
			d.put(store.Said, record.SaidKey(event.SessionID(d.other), d.account, record.WholeAccount), (&record.Saying{}).Encode())
			d.put(store.Accounts, record.CreditKey(d.account, event.SessionID(d.other)), (&record.Credit{Task: "gone"}).Encode())
			d.put(store.Trash, append([]byte("said\x00"), d.other...), nil)
		}, ""},
		{"a checksum of an account does not match", func(d *doctored) {
			d.Put(store.Accounts, record.AccountKey(d.account), []byte("\x01xxxxxxxx"))
		}, "checksum does not match"},
		{"a checksum of what a session has added does not match", func(d *doctored) {
			d.Put(store.Accounts, record.CreditKey(d.account, d.paid), []byte("\x01xxxxxxxx"))
		}, "checksum does not match"},
		{"a checksum of what was said does not match", func(d *doctored) {
			d.Put(store.Said, record.SaidKey(d.also, d.account, record.WholeAccount), []byte("\x01xxxxxxxx"))
		}, "checksum does not match"},
		{"a task has other unpriced tokens", func(d *doctored) {
			d.task("paid", func(t *record.Task) { t.Unpriced.AddTo("m", record.Amounts{InputTokens: 1}) })
		}, "has unpriced tokens"},
		{"an open session's record has what its state has", func(d *doctored) {
			s, _ := record.ReadSession(d, "open", d.open)
			key := record.SessionKey("open", d.open)
			d.Put(store.Sessions, key, record.EncodeJSON(store.Sessions, key, s))
		}, "is open, and says what only its state is to say"},
		{"a checksum of a state does not match", func(d *doctored) {
			d.Put(store.Events, record.StateKey(d.open, 2), []byte("\x01xxxxxxxx"))
		}, ":3: checksum does not match"},
		{"a session has no task", func(d *doctored) { d.Delete(store.Tasks, []byte("open")) }, "its task does not exist"},
		{"a key of a session is none", func(d *doctored) { d.put(store.Sessions, []byte("done"), []byte("{}")) }, "is no key of a session"},
		{"a session is in two tasks", func(d *doctored) {
			d.put(store.Sessions, record.SessionKey("idle", d.done), []byte(`{"status":"open","first":1}`))
		}, "has the same session"},
		{"a session is no JSON", func(d *doctored) { d.put(store.Sessions, record.SessionKey("open", d.open), []byte("{")) }, "unexpected end of JSON"},
		{"a session is sealed without an end", func(d *doctored) {
			d.session("open", d.open, func(s *record.Session) { s.Status = event.Failed })
		}, "is failed, and ended"},
		{"a session trimmed too much", func(d *doctored) {
			d.session("open", d.open, func(s *record.Session) { s.First = 4 })
		}, "keeps events from 4 on, and its head is 2"},
		{"an open session is not listed", func(d *doctored) { d.Delete(store.Open, record.SessionKey("open", d.open)) }, "is not listed as open"},
		{"a sealed session is listed as open", func(d *doctored) { d.put(store.Open, record.SessionKey("done", d.done), nil) }, "the session is sealed"},
		{"a session that is not is listed as open", func(d *doctored) { d.put(store.Open, record.SessionKey("done", event.SessionID(d.other)), nil) }, "the session does not exist"},
		{"an ended session is not listed", func(d *doctored) { d.Delete(store.Ended, d.first(store.Ended)) }, "is not listed as ended"},
		{"a session is listed with another end", func(d *doctored) {
			d.put(store.Ended, record.EndedKey(time.UnixMilli(1), d.done), []byte("done"))
		}, "the session did not end then"},
		{"a session is listed with another task", func(d *doctored) { d.put(store.Ended, d.first(store.Ended), []byte("open")) }, "the session does not exist"},
		{"a task is not listed", func(d *doctored) { d.Delete(store.Activity, d.first(store.Activity)) }, "is not listed under its last change"},
		{"a task is listed twice", func(d *doctored) { d.active(1<<40, "done") }, "names task done, whose last change is"},
		{"a task is still listed under a change that was replaced", func(d *doctored) {
			d.active(10, "done")
			d.active(20, "done", 10)
			d.task("done", func(t *record.Task) { t.Change = 20 })
			d.Delete(store.Activity, record.ChangeKey(2))
		}, ""},
		{"a task is listed under a change that nothing has replaced", func(d *doctored) {
			d.active(10, "done")
			d.active(20, "done")
			d.task("done", func(t *record.Task) { t.Change = 20 })
			d.Delete(store.Activity, record.ChangeKey(2))
		}, "activity 10: names task done, whose last change is 20"},
		{"a replaced entry was left by a sweep", func(d *doctored) {
			d.active(10, "done")
			d.active(20, "done", 10)
			d.task("done", func(t *record.Task) { t.Change = 20 })
			d.Delete(store.Activity, record.ChangeKey(2))
			d.put(store.Meta, record.KeyLastSweep, record.ChangeKey(20))
		}, "activity 10: names task done, whose last change is 20"},
		{"an entry that names what it replaced is damaged", func(d *doctored) {
			d.active(10, "done")
			d.Put(store.Activity, record.ChangeKey(20), []byte("\x01xxxxxxxx"))
			d.task("done", func(t *record.Task) { t.Change = 20 })
			d.Delete(store.Activity, record.ChangeKey(2))
		}, "activity 20: checksum does not match"},
		{"a task is listed under an old change of an open session", func(d *doctored) {
			d.active(10, "open", 4)
			d.state("open", d.open, func(s *record.State) { s.Change = 10 })
		}, ""},
		{"a task is not listed under the change of its open session", func(d *doctored) {
			d.state("open", d.open, func(s *record.State) { s.Change = 10 })
		}, "task open: is not listed under its last change, 10"},
		{"an entry is none", func(d *doctored) { d.put(store.Activity, record.ChangeKey(1<<40), []byte("done")) }, "is no entry of a task"},
		{"a task that is not is listed", func(d *doctored) { d.active(1<<40, "no") }, `names task "no", which does not exist`},
		{"a task counts sessions wrongly", func(d *doctored) { d.task("done", func(t *record.Task) { t.Sessions++ }) }, "counts 2 sessions of 1"},
		{"a task names another latest", func(d *doctored) { d.task("done", func(t *record.Task) { t.Latest = d.open }) }, "as its latest"},
		{"a task has another status", func(d *doctored) { d.task("done", func(t *record.Task) { t.Status = event.Failed }) }, "is failed, and its latest session is succeeded"},
		{"a task lists other open sessions", func(d *doctored) { d.task("open", func(t *record.Task) { t.Open = nil }) }, "lists 0 open sessions of 1"},
		{"a task has other totals", func(d *doctored) { d.task("done", func(t *record.Task) { t.Totals.InputTokens++ }) }, "its totals are"},
		{"a task has another sum of money", func(d *doctored) { d.task("done", func(t *record.Task) { t.Totals.USD++ }) }, "its totals are"},
		{"money was added in another order", func(d *doctored) { d.task("done", func(t *record.Task) { t.Totals.USD += 1e-12 }) }, ""},
		{"a task has no id", func(d *doctored) { d.put(store.Tasks, []byte("../x"), []byte("{}")) }, "is no task id"},
		{"a task is no JSON", func(d *doctored) { d.put(store.Tasks, []byte("done"), []byte("[]")) }, "cannot unmarshal"},
		{"an idempotency key is none", func(d *doctored) { d.put(store.Keys, []byte("done"), []byte("{}")) }, "is no idempotency key"},
		{"an idempotency key has no digest", func(d *doctored) { d.put(store.Keys, d.keyed, []byte("{}")) }, "has a digest of 0 bytes"},
		{"an idempotency key has no task", func(d *doctored) { d.task("done", func(t *record.Task) { t.Born++ }) }, "its task does not exist"},
		{"an idempotency key has no session", func(d *doctored) {
			t, _ := record.StoredTask(d, "done")
			key := record.RequestKey(t, event.SessionID(d.other), "", "k")
			d.Put(store.Keys, key, record.EncodeJSON(store.Keys, key, &record.Request{Digest: make([]byte, 32)}))
		}, "its session does not exist"},
		{"the last id is less than another", func(d *doctored) { d.put(store.Meta, record.KeyLastSession, make([]byte, 16)) }, "an id could be given out again"},
		{"there is no last id", func(d *doctored) { d.Delete(store.Meta, record.KeyLastSession) }, "an id could be given out again"},
		{"the last id is short", func(d *doctored) { d.put(store.Meta, record.KeyLastSession, []byte{0xff}) }, "has 1 bytes, not 16"},
		{"a checksum does not match", func(d *doctored) { d.Put(store.Events, record.EventKey(d.done, 2), []byte("\x01xxxxxxxxxxxxxxxxx")) }, ":2: checksum does not match"},
		{"a checksum of a session does not match", func(d *doctored) {
			d.Put(store.Sessions, record.SessionKey("done", d.done), []byte("\x01xxxxxxxx"))
		}, "of task done: checksum does not match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			doctor(t, path, c.doctor)
			var found []string
			_, err := dbfile.Check(t.Context(), path, &dbfile.CheckOptions{Found: func(f dbfile.Finding) { found = append(found, f.String()) }})
			all := strings.Join(found, "\n")
			switch {
			case c.want == "" && err != nil:
				t.Errorf("check: %v\n%s", err, all)
			case !strings.Contains(all, c.want):
				t.Errorf("found:\n%s\nwant %q", all, c.want)
			case strings.Contains(c.want, "checksum") && len(found) != 1:
				t.Errorf("found more than the record that is damaged:\n%s", all)
			}
		})
	}
}

// doctor makes a database at path and lets change write to it.
func doctor(t *testing.T, path string, change func(*doctored)) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log, err := eventlog.Open(path, nil)
	ok(err)
	note := event.Event{Type: "note", Data: json.RawMessage(`{}`)}
	spend := func(data string) event.Event { return event.Event{Type: event.TypeCost, Data: json.RawMessage(data)} }
	done, err := log.Append(t.Context(), &eventlog.Batch{Task: "done", Key: eventlog.Key{ID: "k"}, Events: []event.Event{
		note, spend(`{"usd":1}`), spend(`{"usd":3,"model":"a","scope":"cumulative"}`), note, {Type: event.TypeComplete, Data: json.RawMessage(`{}`)},
	}})
	ok(err)
	open, err := log.Append(t.Context(), &eventlog.Batch{Task: "open", Events: []event.Event{note, note}})
	ok(err)
	about := event.Event{Type: event.TypeSession, Data: json.RawMessage(`{"agent":"a","external_id":"x"}`)}
	paid, err := log.Append(t.Context(), &eventlog.Batch{Task: "paid", Events: []event.Event{
		about, spend(`{"id":"m-1","part_of":"x/m","input_tokens":7,"model":"m"}`), {Type: event.TypeComplete, Data: json.RawMessage(`{}`)},
	}})
	ok(err)
	also, err := log.Append(t.Context(), &eventlog.Batch{Task: "paid", Events: []event.Event{
		about, spend(`{"id":"x/m","input_tokens":8}`), spend(`{"id":"m-1","part_of":"x/m","input_tokens":7}`),
	}})
	ok(err)
	title := "idle"
	_, _, err = log.PutTask(t.Context(), "idle", eventlog.TaskChange{Title: &title})
	ok(err)
	ok(log.Close())

	db, err := filestore.Open(path, nil)
	ok(err)
	other := event.SessionID{1}
	ok(db.Update(t.Context(), func(tx store.Tx) error {
		member := &record.Cost{ID: "m-1", PartOf: "x/m"}
		account := record.AccountOf("a", member)
		d := &doctored{
			Tx: tx, t: t, done: done.Session, open: open.Session, other: other[:],
			paid: paid.Session, also: also.Session, account: account, member: record.MemberKey(account, record.MemberOf(member)),
		}
		d.keyed = d.first(store.Keys)
		change(d)
		return nil
	}))
	ok(db.Close())
}
