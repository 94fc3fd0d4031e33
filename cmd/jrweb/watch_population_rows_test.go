package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// openCodeExport is what opencode exports of a thread.
type openCodeExport struct {
	Info     map[string]any `json:"info"`
	Messages []struct {
		Info  map[string]any    `json:"info"`
		Parts []json.RawMessage `json:"parts"`
	} `json:"messages"`
}

// rows are the statements that make a thread what a state of its text tells, whatever of it
// is there.
func (k *kept) rows(state []byte) ([]statement, error) {
	if k.agent == "opencode" {
		return openCodeRows(state)
	}
	rows := []statement{}
	var about, sums map[string]any
	n := 0
	for line := range bytes.Lines(state) {
		var l map[string]any
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, err
		}
		switch meta, _ := l["meta"].(map[string]any); {
		case meta != nil: // a message of Crush
			about = meta
			for _, m := range l["messages"].([]any) {
				message := m.(map[string]any)
				rows = append(rows, statement{"insert or replace into messages values (?,?,?,?,?,?,?,?)", []any{
					message["id"], meta["id"], message["role"], jsonOf(message["parts"]), message["model"], message["created_at"], message["created_at"], message["created_at"],
				}})
			}
		case l["role"] != nil: // a message of Goose
			n++
			rows = append(rows, statement{"insert into messages(message_id, session_id, role, content_json, created_timestamp, metadata_json) select ?,?,?,?,?,'{}' where not exists (select 1 from messages where message_id = ?)",
				[]any{fmt.Sprint(k.thread, "-", n), k.thread, l["role"], jsonOf(l["content"]), l["created"], fmt.Sprint(k.thread, "-", n)}})
		case about == nil:
			about = l
		default:
			sums = l
		}
	}
	if k.agent == "crush" {
		cost, _ := about["cost"].(float64)
		return append(rows, statement{"insert into sessions values (?, null, ?, 0, ?, ?, ?) on conflict(id) do update set cost = excluded.cost, updated_at = excluded.updated_at",
			[]any{k.thread, about["title"], cost, about["updated_at"], about["created_at"]}}), nil
	}
	updated := time.Unix(k.end.Unix(), 0).UTC().Format(time.DateTime)
	return append(rows, statement{"insert into sessions(id, name, working_dir, updated_at, accumulated_input_tokens, accumulated_output_tokens) values (?,?,?,?,?,?) on conflict(id) do update set updated_at = excluded.updated_at, accumulated_input_tokens = excluded.accumulated_input_tokens, accumulated_output_tokens = excluded.accumulated_output_tokens",
		[]any{k.thread, about["name"], about["working_dir"], updated, sums["accumulated_input_tokens"], sums["accumulated_output_tokens"]}}), nil
}

func jsonOf(v any) string {
	text, _ := json.Marshal(v) // it was JSON
	return string(text)
}

func openCodeRows(state []byte) (rows []statement, err error) {
	var export openCodeExport
	if err := json.Unmarshal(state, &export); err != nil {
		return nil, err
	}
	id, times := export.Info["id"], export.Info["time"].(map[string]any)
	updated := times["updated"]
	for _, m := range export.Messages {
		created := m.Info["time"].(map[string]any)["created"]
		if completed := m.Info["time"].(map[string]any)["completed"]; completed != nil {
			updated = completed
		}
		for _, raw := range m.Parts {
			var part map[string]any
			if err := json.Unmarshal(raw, &part); err != nil {
				return nil, err
			}
			rows = append(rows, statement{"insert or replace into part values (?,?,?,?,?,?)", []any{part["id"], m.Info["id"], id, created, created, withoutIDs(part)}})
		}
		rows = append(rows, statement{"insert or replace into message values (?,?,?,?,?)", []any{m.Info["id"], id, created, created, jsonOf(m.Info)}})
	}
	return append(rows, statement{"insert into session(id, project_id, slug, directory, title, version, time_created, time_updated) values (?,'p','s',?,?,?,?,?) on conflict(id) do update set time_updated = excluded.time_updated",
		[]any{id, export.Info["directory"], export.Info["title"], export.Info["version"], times["created"], updated}}), nil
}

// withoutIDs is what a part's row has as its data: its ids are in columns.
func withoutIDs(part map[string]any) string {
	part = maps.Clone(part)
	for _, name := range []string{"id", "sessionID", "messageID"} {
		delete(part, name)
	}
	return jsonOf(part)
}

// withParts gives the parts of a thread the ids and the order that opencode does.
func withParts(text []byte, thread string) ([]byte, error) {
	var export openCodeExport
	if err := json.Unmarshal(text, &export); err != nil {
		return nil, err
	}
	n := 0
	for _, m := range export.Messages {
		for i, raw := range m.Parts {
			var part map[string]any
			if err := json.Unmarshal(raw, &part); err != nil {
				return nil, err
			}
			n++
			m.Parts[i] = fmt.Appendf(nil, "%s,\"id\":\"prt_%s_%04d\",\"sessionID\":%q,\"messageID\":%q}",
				strings.TrimSuffix(withoutIDs(part), "}"), thread, n, thread, m.Info["id"])
		}
	}
	return json.Marshal(export)
}

// databases makes those that agents have on a machine, empty.
func databases(ctx context.Context, home string) error {
	schema, err := os.ReadFile("testdata/opencode.sql")
	if err != nil {
		return err
	}
	goose, _, _ := strings.Cut(gooseSchema, "INSERT")
	project := filepath.Join(home, "src", "app")
	for _, kind := range runKinds {
		if kind.form != inDatabase {
			continue
		}
		sql := map[string]string{"opencode": string(schema), "goose": goose, "crush": crushSchema}[kind.agent]
		if err := sqliteDo(ctx, filepath.Join(home, kind.place), statement{sql: sql}); err != nil {
			return err
		}
	}
	return replaceFile(filepath.Join(home, ".local", "share", "crush", "projects.json"),
		fmt.Appendf(nil, `{"projects":[{"path":%q,"data_dir":%q}]}`, project, filepath.Join(project, ".crush")))
}

// tables are those in which a database has messages, and their threads, with the columns
// that say of which thread a row is.
var tables = map[string][][2]string{
	"opencode": {{"part", "session_id"}, {"message", "session_id"}, {"session", "id"}},
	"crush":    {{"messages", "session_id"}, {"sessions", "id"}},
	"goose":    {{"messages", "session_id"}, {"sessions", "id"}},
}

// gone are the statements that remove a thread.
func (k *kept) gone() (all []statement) {
	for _, t := range tables[k.agent] {
		all = append(all, statement{"delete from " + t[0] + " where " + t[1] + " = ?", []any{k.thread}})
	}
	return all
}
