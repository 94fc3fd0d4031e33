package sqlite_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"jrweb/cmd/jrweb/internal/sqlite"
)

// writer is SQLite itself, in a Python that does one statement a line, and answers each
// with a line: what it yields, as JSON.
type writer struct {
	*testing.T
	in  io.Writer
	out *bufio.Reader
	end func()
}

const writerScript = `
import json, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
def plain(v):
    return {"hex": v.hex()} if isinstance(v, bytes) else {"float": repr(v)} if isinstance(v, float) else v
for line in sys.stdin:
    command, values = json.loads(line)
    if command == "leave": os._exit(0)
    try: print(json.dumps([[plain(v) for v in row] for row in db.execute(command, values)]), flush=True)
    except Exception as e: print(json.dumps(repr(e)), flush=True)
`

func newWriter(t *testing.T, path string) *writer {
	t.Helper()
	c := exec.CommandContext(t.Context(), "python3", "-c", writerScript, path)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w := &writer{T: t, in: in, out: bufio.NewReader(out)}
	w.end = func() { _ = in.Close(); _ = c.Wait() }
	t.Cleanup(w.end)
	w.do("pragma synchronous=off")
	return w
}

func (w *writer) do(sql string, values ...any) [][]any {
	w.Helper()
	if values == nil {
		values = []any{}
	}
	line, err := json.Marshal([]any{sql, values})
	if err != nil {
		w.Fatal(err)
	}
	if _, err := fmt.Fprintf(w.in, "%s\n", line); err != nil {
		w.Fatal(err)
	}
	answer, err := w.out.ReadBytes('\n')
	if err != nil {
		w.Fatal(err)
	}
	var rows [][]any
	if err := json.Unmarshal(answer, &rows); err != nil {
		w.Fatalf("%s: %s", sql, answer)
	}
	return rows
}

// leave ends the process as a kill does: what is in the log stays there.
func (w *writer) leave() {
	w.Helper()
	if _, err := io.WriteString(w.in, "[\"leave\", []]\n"); err != nil {
		w.Fatal(err)
	}
	w.end()
}

// plain is a value as the writer tells it.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"hex": fmt.Sprintf("%x", v)}
	case float64:
		text := fmt.Sprint(v)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return map[string]any{"float": text}
	case int64:
		return float64(v)
	}
	return v
}

func rowsOf(t *testing.T, db *sqlite.DB, table string, columns ...string) (rows [][]any) {
	t.Helper()
	err := db.Read(func(s *sqlite.State) error {
		rows = nil
		all, err := s.Table(table, columns...)
		if err != nil {
			return err
		}
		return all.All(func(r sqlite.Row) error {
			rows = append(rows, plainRow(r))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func plainRow(r sqlite.Row) []any {
	row := []any{float64(r.ID)}
	for _, v := range r.Values {
		row = append(row, plain(v))
	}
	return row
}

// fill makes a table with values of all kinds and sizes, some of which were deleted.
const fill = `
with recursive n(i) as (select 1 union all select i + 1 from n where i < 800)
insert into things(id, owner, size, data) select
  'id-' || i, 'owner-' || (i % 7),
  case i % 6 when 0 then null when 1 then i when 2 then -i * 1000003 when 3 then i * 72057594037927936 when 4 then i / 8.0 else i % 2 end,
  case i % 5 when 0 then printf('%.*c', i * 7, 'x') when 1 then zeroblob(i) when 2 then '' when 3 then 'grüße ' || i else null end
from n`

func TestRowsAreThoseThatSQLiteHas(t *testing.T) {
	for _, c := range []struct {
		mode string
		page int
	}{
		{"wal", 512}, {"wal", 65536}, {"wal, checkpointed in part", 1024}, {"wal, and nobody has it open", 4096},
		{"delete", 512}, {"persist", 4096},
	} {
		mode := c.mode
		t.Run(fmt.Sprintf("%s, pages of %d", mode, c.page), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			w := newWriter(t, path)
			w.do(fmt.Sprintf("pragma page_size=%d", c.page))
			w.do("pragma auto_vacuum=incremental")
			w.do("pragma journal_mode=" + strings.Split(mode, ",")[0])
			w.do("pragma wal_autocheckpoint=0")
			w.do("create table other(a)")
			w.do("create table things(-- what, and whose\n `id` text primary key, \"owner\" text default ('a,b') not null, size, [data] text, constraint fk foreign key (owner) references other(a))")
			w.do("create index by_owner on things (owner, id)")
			w.do(fill)
			if strings.Contains(mode, "in part") {
				w.do("pragma wal_checkpoint(full)")
			}
			w.do("alter table things add column later text default 'L'")
			w.do("delete from things where rowid % 11 = 3")
			w.do("update things set data = printf('%.*c', 20000, 'y'), later = 'now' where rowid % 97 = 5")
			want := w.do("select rowid, id, size, data, case when rowid % 97 = 5 then later end from things order by rowid")
			owned := w.do("select rowid, id from things where owner = 'owner-3' order by id")
			if strings.Contains(mode, "nobody") {
				w.leave()
			}

			db := sqlite.Open(path)
			defer db.Close()
			if got := rowsOf(t, db, "things", "ID", "size", "data", "later"); !reflect.DeepEqual(got, want) {
				t.Errorf("%d rows are not the %d that SQLite has", len(got), len(want))
			}
			for _, column := range []string{"an index", "no index"} {
				var got [][]any
				err := db.Read(func(s *sqlite.State) error {
					got = nil
					things, err := s.Table("things", "id")
					if err != nil {
						return err
					}
					where := "owner"
					if column == "no index" {
						where = "OWNER" // the same column, which is not looked for among indexes
					}
					return things.Where(where, "owner-3", func(r sqlite.Row) error {
						got = append(got, plainRow(r))
						return nil
					})
				})
				if err != nil {
					t.Fatal(err)
				}
				if byRow := func(rows [][]any) map[any]any {
					m := map[any]any{}
					for _, r := range rows {
						m[r[0]] = r[1]
					}
					return m
				}; len(got) != len(owned) || !maps.Equal(byRow(got), byRow(owned)) {
					t.Errorf("by %s %d rows of an owner, not %d", column, len(got), len(owned))
				}
			}
		})
	}
}

// Nothing that a reader does can be seen in the folder, whatever state the database is in.
func TestReadingChangesNothing(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		for _, open := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "a.db")
			w := newWriter(t, path)
			w.do("pragma journal_mode=" + mode)
			w.do("create table things(a)")
			w.do("insert into things values ('one')")
			if !open {
				w.end() // as it should: the log is taken into the database, and removed
			}
			before := folder(t, path)
			db := sqlite.Open(path)
			if got := rowsOf(t, db, "things", "a"); len(got) != 1 {
				t.Errorf("%s: %d rows", mode, len(got))
			}
			if after := folder(t, path); !maps.Equal(before, after) {
				t.Errorf("%s: the folder changed from %v to %v", mode, before, after)
			}
			db.Close()
		}
	}
}

func folder(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func TestARowThatIsNotThereIsNoError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	w := newWriter(t, path)
	w.do("create table things(a)")
	w.do("insert into things(rowid, a) values (3, 'three'), (9, 'nine')")
	db := sqlite.Open(path)
	defer db.Close()
	for id, want := range map[int64]int{3: 1, 9: 1, 1: 0, 4: 0, 10: 0} {
		n := 0
		err := db.Read(func(s *sqlite.State) error {
			n = 0
			things, err := s.Table("things", "a", "missing")
			if err != nil {
				return err
			}
			return things.Get(id, func(sqlite.Row) error { n++; return nil })
		})
		if err != nil || n != want {
			t.Errorf("row %d: %d times, %v", id, n, err)
		}
	}
	err := db.Read(func(s *sqlite.State) error { _, err := s.Table("nothing"); return err })
	if !errors.Is(err, sqlite.ErrNoTable) {
		t.Errorf("a table that is not there: %v", err)
	}
}

// A writer comes between two looks at rows of different pages. What the first try saw is
// torn, which is the control: only because it is tried again is it of one state.
func TestAReadIsOfOneState(t *testing.T) {
	for _, c := range []struct{ name, mode, between string }{
		{"a commit to the log is taken into the database", "wal", "pragma wal_checkpoint(full)"},
		{"the log begins anew", "wal", "pragma wal_checkpoint(restart)"},
		{"the log is cut off", "wal", "pragma wal_checkpoint(truncate)"},
		{"a transaction writes to the database", "delete", "select 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			w := newWriter(t, path)
			w.do("pragma journal_mode=" + c.mode)
			w.do("create table things(n, filling)")
			w.do("insert into things(rowid, n, filling) values (1, 0, printf('%.*c', 3000, 'x')), (2, 0, printf('%.*c', 3000, 'x'))")
			w.do("pragma wal_checkpoint(truncate)")
			db := sqlite.Open(path)
			defer db.Close()
			rowsOf(t, db, "things", "n") // it knows an older state by now
			var seen [][2]int64
			err := db.Read(func(s *sqlite.State) error {
				things, err := s.Table("things", "n")
				if err != nil {
					return err
				}
				var pair [2]int64
				for i := range pair {
					if err := things.Get(int64(i+1), func(r sqlite.Row) error { pair[i] = r.Int(0); return nil }); err != nil {
						return err
					}
					if i == 0 && len(seen) == 0 {
						w.do("update things set n = n + 1")
						w.do(c.between)
						w.do("update things set n = n + 1")
					}
				}
				seen = append(seen, pair)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			last := seen[len(seen)-1]
			if last[0] != last[1] || last[0] != 2 {
				t.Errorf("it saw %v", seen)
			}
			if seen[0][0] == seen[0][1] {
				t.Errorf("nothing came between: %v", seen)
			}
		})
	}
}

// A transaction that is not committed is not seen, in neither mode.
func TestWhatIsNotCommittedIsNotSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	w := newWriter(t, path)
	w.do("pragma journal_mode=wal")
	w.do("pragma cache_size=1")
	w.do("create table things(a)")
	w.do("begin")
	w.do("with recursive n(i) as (select 1 union all select i + 1 from n where i < 300) insert into things select printf('%.*c', 4000, 'x') from n")
	db := sqlite.Open(path)
	defer db.Close()
	if got := rowsOf(t, db, "things", "a"); len(got) != 0 {
		t.Errorf("%d rows are seen", len(got))
	}
	w.do("commit")
	if got := rowsOf(t, db, "things", "a"); len(got) != 300 {
		t.Errorf("%d rows are seen after the commit", len(got))
	}
}

func FuzzDamage(f *testing.F) {
	path := filepath.Join(f.TempDir(), "a.db")
	c := exec.CommandContext(f.Context(), "python3", "-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("pragma page_size=512")
db.execute("create table things(id text primary key, owner text, data)")
db.execute("create index by_owner on things(owner)")
db.executemany("insert into things values (?, ?, ?)", [("i%d" % i, "o%d" % (i % 3), "x" * i * 9) for i in range(60)])
db.commit()`, path)
	if out, err := c.CombinedOutput(); err != nil {
		f.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(100), uint16(3), byte(255))
	f.Add(uint16(700), uint16(900), byte(2))
	f.Fuzz(func(t *testing.T, a, b uint16, value byte) {
		damaged := bytes.Clone(text)
		damaged[int(a)%len(damaged)] = value
		damaged[int(b)*7%len(damaged)] ^= value
		path := filepath.Join(t.TempDir(), "b.db")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		db := sqlite.Open(path)
		defer db.Close()
		rows := 0
		_ = db.Read(func(s *sqlite.State) error { // it may fail, and must end
			things, err := s.Table("things", "owner", "data")
			if err != nil {
				return err
			}
			count := func(sqlite.Row) error {
				if rows++; rows > 1_000_000 {
					t.Fatal("it does not end")
				}
				return nil
			}
			return errors.Join(things.All(count), things.Where("owner", "o1", count))
		})
	})
}
