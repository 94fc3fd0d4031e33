package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/places"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// sqliteScript does statements in SQLite, and leaves what it wrote in the log, as agents do
// that are killed.
const sqliteScript = `
import json, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma journal_mode=wal")
db.execute("pragma synchronous=off")
db.execute("begin")
for sql, values in json.load(sys.stdin):
    if values is None: db.executescript(sql)
    else: db.execute(sql, values)
if db.in_transaction: db.execute("commit")
os._exit(0)`

type statement struct {
	sql    string
	values []any
}

func sqlite3(t testing.TB, path string, statements ...statement) {
	t.Helper()
	if err := sqliteDo(t.Context(), path, statements...); err != nil {
		t.Fatal(err)
	}
}

func sqliteDo(ctx context.Context, path string, statements ...statement) error {
	all := [][]any{}
	for _, s := range statements {
		all = append(all, []any{s.sql, s.values})
	}
	in, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "python3", "-c", sqliteScript, path)
	c.Stdin = bytes.NewReader(in)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// openCodeRoom is a room with opencode's database.
type openCodeRoom struct {
	*watchRoom
	path       string
	statements []statement
}

func inOpenCodeRoom(t *testing.T, test func(o *openCodeRoom)) {
	inRoom(t, func(r *watchRoom) {
		o := &openCodeRoom{watchRoom: r, path: filepath.Join(r.home, ".local", "share", "opencode", "opencode.db")}
		r.agents = []string{"opencode"}
		schema, err := os.ReadFile("testdata/opencode.sql")
		if err != nil {
			t.Fatal(err)
		}
		o.statements = append(o.statements, statement{sql: string(schema)})
		test(o)
	})
}

func (o *openCodeRoom) do(sql string, values ...any) {
	o.statements = append(o.statements, statement{sql, values})
}

// commit does what was collected.
func (o *openCodeRoom) commit() {
	o.Helper()
	sqlite3(o.T, o.path, o.statements...)
	o.statements = nil
}

func ms(at time.Time) int64 { return at.UnixMilli() }

func (o *openCodeRoom) session(id, parent, title string) {
	now := ms(time.Now())
	var of any
	if parent != "" {
		of = parent
	}
	o.do("insert into session(id, project_id, parent_id, slug, directory, title, version, model, time_created, time_updated) values (?,'p',?,'s','/srv/app',?,'1.18.33','{\"id\":\"m1\",\"providerID\":\"fake\"}',?,?)", id, of, title, now, now)
}

func (o *openCodeRoom) touch(id string) {
	o.do("update session set time_updated = ? where id = ?", ms(time.Now()), id)
}

func (o *openCodeRoom) put(table, id, session, message string, data map[string]any) {
	o.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		o.Fatal(err)
	}
	now := ms(time.Now())
	if table == "message" {
		o.do("insert into message values (?,?,?,?,?) on conflict(id) do update set data = excluded.data, time_updated = excluded.time_updated", id, session, now, now, string(text))
		return
	}
	o.do("insert into part values (?,?,?,?,?,?) on conflict(id) do update set data = excluded.data, time_updated = excluded.time_updated", id, message, session, now, now, string(text))
}

func (o *openCodeRoom) says(session, id, text string) {
	o.put("message", "msg_"+id, session, "", map[string]any{"role": "user", "time": map[string]any{"created": ms(time.Now())}})
	o.put("part", "prt_"+id, session, "msg_"+id, map[string]any{"type": "text", "text": text})
}

func (o *openCodeRoom) answer(session, id string, completed bool) {
	times := map[string]any{"created": ms(time.Now())}
	data := map[string]any{"role": "assistant", "modelID": "m1", "providerID": "fake", "path": map[string]any{"cwd": "/srv/app"}, "time": times}
	if completed {
		times["completed"] = ms(time.Now())
		data["finish"] = "stop"
	}
	o.put("message", "msg_"+id, session, "", data)
}

func (o *openCodeRoom) words(session, message, id, text string, ended bool) {
	times := map[string]any{"start": ms(time.Now())}
	if ended {
		times["end"] = ms(time.Now())
	}
	o.put("part", id, session, "msg_"+message, map[string]any{"type": "text", "text": text, "time": times})
}

// told are the types of a task's events, except what is known of the run and its end.
func (o *openCodeRoom) told(task string) (types []string) {
	o.Helper()
	for _, events := range readTask(o.T, o.client, task).events {
		for _, e := range events {
			if e.Type != eventlog.TypeSession && e.Type != eventlog.TypeComplete {
				types = append(types, e.Type)
			}
		}
	}
	return types
}

// A thread of a database and the file that opencode exports of it make the same events.
func TestAThreadOfOpenCodesDatabaseIsWhatItsExportIs(t *testing.T) {
	inOpenCodeRoom(t, func(o *openCodeRoom) {
		text, err := os.ReadFile("../../eventlog/transcript/testdata/opencode-export.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		if text, err = withParts(text, "ses_e"); err != nil {
			t.Fatal(err)
		}
		rows, err := openCodeRows(text)
		if err != nil {
			t.Fatal(err)
		}
		o.statements = append(o.statements, rows...)
		o.commit()
		converter, err := transcript.New(transcript.OpenCodeExport, nil)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, e := range append(converter.Line(transcript.Line{Text: text}), converter.End()...) {
			want = append(want, e.Type+" "+string(e.Data))
		}
		time.Sleep(time.Until(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
		o.once()
		var got []string
		l := readTask(t, o.client, "opencode-ses_e")
		for _, events := range l.events {
			for _, e := range events[:len(events)-1] {
				got = append(got, e.Type+" "+string(e.Data))
			}
		}
		if !slices.Equal(got, want) || len(want) < 10 {
			t.Errorf("the database has\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if s := l.sessions[0]; s.Agent != "opencode" || s.ExternalID != "ses_e" || s.Status != converter.Outcome().Status {
			t.Errorf("the session is %+v, not %s", s, converter.Outcome().Status)
		}
	})
}

func TestAThreadInADatabaseIsFollowed(t *testing.T) {
	inOpenCodeRoom(t, func(o *openCodeRoom) {
		o.session("ses_old", "", "An old one")
		o.says("ses_old", "1", "old")
		o.answer("ses_old", "2", true)
		o.words("ses_old", "2", "prt_2", "older", true)
		o.commit()
		aRest()
		o.watch(func() {
			aMoment()
			o.want("opencode-ses_old", "old | older")

			o.session("ses_a", "", "A title")
			o.says("ses_a", "3", "look")
			o.answer("ses_a", "4", false)
			o.words("ses_a", "4", "prt_41", "I wi", false)
			o.commit()
			aMoment()
			o.want("opencode-ses_a", "look") // half a word is none

			o.words("ses_a", "4", "prt_41", "I will.", true)
			call := map[string]any{"type": "tool", "tool": "task", "callID": "call_1", "state": map[string]any{
				"status": "running", "input": map[string]any{"prompt": "help"}, "time": map[string]any{"start": ms(time.Now())}, "metadata": map[string]any{"sessionId": "ses_b"},
			}}
			o.put("part", "prt_42", "ses_a", "msg_4", call)
			o.session("ses_b", "ses_a", "A child")
			o.says("ses_b", "5", "help")
			o.commit() // the list of threads does not tell that this one has changed
			aMoment()
			o.want("opencode-ses_a", "look | I will.")
			if got := o.told("opencode-ses_a"); !slices.Equal(got, []string{"user", "assistant", "tool_call"}) {
				o.Errorf("it has %q", got)
			}
			child, err := o.client.Task(o.Context(), "opencode-ses_b")
			if err != nil || child.Parent != "opencode-ses_a" || child.Title != "A child" {
				o.Errorf("the child is %+v, %v", child, err)
			}

			call["state"] = map[string]any{
				"status": "completed", "input": map[string]any{"prompt": "help"}, "output": "done", "title": "t", "metadata": map[string]any{"sessionId": "ses_b"},
				"time": map[string]any{"start": ms(time.Now()), "end": ms(time.Now())},
			}
			o.put("part", "prt_42", "ses_a", "msg_4", call)
			o.put("part", "prt_43", "ses_a", "msg_4", map[string]any{"type": "step-finish", "reason": "stop", "cost": 0.5, "tokens": map[string]any{"input": 10, "output": 4, "reasoning": 1, "cache": map[string]any{"read": 0, "write": 0}}})
			o.answer("ses_a", "4", true)
			o.touch("ses_a")
			o.commit()
			aMoment()
			o.touch("ses_a") // what was told is not told again
			o.commit()
			aRest()
			if got := o.told("opencode-ses_a"); !slices.Equal(got, []string{"user", "assistant", "tool_call", "tool_result", "cost"}) {
				o.Errorf("it has %q", got)
			}
			if s := o.want("opencode-ses_a", "look | I will."); s[0].Status != eventlog.Succeeded {
				o.Errorf("after the rest the session is %s", s[0].Status)
			}
			if task, err := o.client.Task(o.Context(), "opencode-ses_a"); err != nil || task.Totals.USD != 0.5 || task.Totals.OutputTokens != 5 {
				o.Errorf("it cost %+v, %v", task.Totals, err)
			}
		})
		// The next watch finds all of it recorded, with the note of it and without.
		o.once()
		o.want("opencode-ses_a", "look | I will.")
		if err := os.Remove(filepath.Join(o.spool, "watch.seen")); err != nil {
			o.Fatal(err)
		}
		o.once()
		o.want("opencode-ses_a", "look | I will.")
		o.want("opencode-ses_old", "old | older")
	})
}

// What the system reports of a database that grows is looked into, and nothing below its folder
// is asked for.
func TestTheFoldersBesideADatabaseAreNotLookedThrough(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, ".local", "share", "opencode")
	for _, name := range []string{"snapshot/a/opencode.db", "opencode.db-shm", "auth.json"} {
		write(t, filepath.Join(dir, name), []byte("x"))
	}
	all, err := places.Of(func(string) string { return "" }, home, nil)
	if err != nil {
		t.Fatal(err)
	}
	if found := transcriptsIn(all); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	n := &notifier{places: all}
	if !n.isFlat(filepath.Join(dir, "snapshot")) || n.isFlat(filepath.Join(home, ".claude", "projects", "a")) {
		t.Error("it looks through the wrong folders")
	}
}

const gooseSchema = `
CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', description TEXT NOT NULL DEFAULT '', session_type TEXT NOT NULL DEFAULT 'user',
  working_dir TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  accumulated_input_tokens INTEGER, accumulated_output_tokens INTEGER, model_config_json TEXT, parent_session_id TEXT);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT, session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL,
  content_json TEXT NOT NULL, created_timestamp INTEGER NOT NULL, timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, tokens INTEGER, metadata_json TEXT);
CREATE INDEX idx_messages_session ON messages(session_id);
CREATE INDEX idx_sessions_updated ON sessions(updated_at DESC);
INSERT INTO sessions(id, name, working_dir, updated_at) VALUES ('20000101_1', 'Say hi', '/srv/app', '2000-01-01 00:00:00');`

func TestAThreadOfGoosesDatabaseIsFollowed(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		r.agents = []string{"goose"}
		path := filepath.Join(r.home, ".local", "share", "goose", "sessions", "sessions.db")
		message := func(role, text string) []statement {
			content, _ := json.Marshal([]any{map[string]any{"type": "text", "text": text}}) // it is JSON
			now := time.Now().UTC()
			return []statement{
				{"insert into messages(session_id, role, content_json, created_timestamp) values ('20000101_1',?,?,?)", []any{role, string(content), now.Unix()}},
				{"update sessions set updated_at = ?, accumulated_input_tokens = coalesce(accumulated_input_tokens, 0) + 10, accumulated_output_tokens = 3", []any{now.Format(time.DateTime)}},
			}
		}
		sqlite3(r.T, path, append([]statement{{sql: gooseSchema}}, message("user", "hi")...)...)
		r.watch(func() {
			aMoment()
			r.want("goose-20000101_1", "hi")
			sqlite3(r.T, path, message("assistant", "hello")...)
			aMoment()
			r.want("goose-20000101_1", "hi | hello")
			// It sums up: all messages are rewritten, and one more is written.
			again := append([]statement{
				{"create table kept as select * from messages", []any{}}, {"delete from messages", []any{}},
				{"insert into messages(session_id, role, content_json, created_timestamp) select session_id, role, content_json, created_timestamp from kept", []any{}},
			}, message("user", "more")...)
			sqlite3(r.T, path, again...)
			aMoment()
			r.want("goose-20000101_1", "hi | hello | more")
			aRest()
		})
		task, err := r.client.Task(r.Context(), "goose-20000101_1")
		if err != nil || task.Title != "Say hi" || task.Project != "app" || task.Totals.InputTokens != 30 || task.Totals.OutputTokens != 3 {
			t.Errorf("the task is %+v, %v", task, err)
		}
	})
}

const crushSchema = `
CREATE TABLE sessions (id TEXT PRIMARY KEY, parent_session_id TEXT, title TEXT NOT NULL, message_count INTEGER NOT NULL DEFAULT 0 CHECK (message_count >= 0),
  cost REAL NOT NULL DEFAULT 0.0 CHECK (cost >= 0.0), updated_at INTEGER NOT NULL,  -- Unix timestamp in seconds
  created_at INTEGER NOT NULL   -- Unix timestamp in seconds
);
CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, role TEXT NOT NULL, parts BLOB NOT NULL default '[]', model TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, finished_at INTEGER, FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE);
CREATE INDEX idx_messages_session_id ON messages (session_id);`

// Crush's databases stand in its projects, and its own list says where.
func TestThreadsOfCrushsDatabasesAreFollowed(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		r.agents = []string{"crush"}
		project := filepath.Join(r.home, "src", "app")
		path := filepath.Join(project, ".crush", "crush.db")
		part := func(kind string, data map[string]any) string {
			text, _ := json.Marshal([]any{map[string]any{"type": kind, "data": data}}) // it is JSON
			return string(text)
		}
		message := func(id, role, parts string, finished bool) statement {
			now := time.Now().Unix()
			var end any
			if finished {
				end = now
			}
			return statement{"insert into messages values (?,'c-1',?,?,'m1',?,?,?) on conflict(id) do update set parts = excluded.parts, updated_at = excluded.updated_at, finished_at = excluded.finished_at", []any{id, role, parts, now, now, end}}
		}
		r.watch(func() {
			aMoment() // the list comes later
			write(r.T, filepath.Join(r.home, ".local", "share", "crush", "projects.json"),
				fmt.Appendf(nil, `{"projects":[{"path":%q,"data_dir":%q}]}`, project, filepath.Join(project, ".crush")))
			now := time.Now().Unix()
			sqlite3(r.T, path, statement{sql: crushSchema},
				statement{"insert into sessions values ('c-1', null, 'Check', 0, 0, ?, ?), ('c-2', 'c-1', 'Help', 0, 0.25, ?, ?)", []any{now, now, now, now}},
				message("m1", "user", part("text", map[string]any{"text": "check"}), false),
				statement{"insert into messages values ('n1','c-2','user',?,null,?,?,null)", []any{part("text", map[string]any{"text": "help"}), now, now}})
			aMoment()
			sqlite3(r.T, path, message("m2", "assistant", part("text", map[string]any{"text": "I wi"}), false))
			aMoment()
			r.want("crush-c-1", "check")
			sqlite3(r.T, path, message("m2", "assistant", part("text", map[string]any{"text": "I will."}), true),
				statement{"update sessions set cost = 0.5, updated_at = ? where id = 'c-1'", []any{time.Now().Unix()}})
			aMoment()
			r.want("crush-c-1", "check | I will.")
			aRest()
		})
		task, err := r.client.Task(r.Context(), "crush-c-1")
		if err != nil || task.Title != "Check" || task.Project != "app" || task.Totals.USD != 0.5 {
			t.Errorf("the task is %+v, %v", task, err)
		}
		// What a subagent costs is in what its caller has cost.
		child, err := r.client.Task(r.Context(), "crush-c-2")
		if err != nil || child.Parent != "crush-c-1" || child.Totals.USD != 0 {
			t.Errorf("the child is %+v, %v", child, err)
		}
	})
}
