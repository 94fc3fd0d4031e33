package agentdb

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"jrweb/cmd/jrweb/internal/sqlite"
)

// openCode is opencode's database: sessions, their messages, and the parts of these as JSON.
// Its text is that of opencode export, a document for each message.
type openCode struct{}

func (openCode) threads(s *sqlite.State, id string) (all []Info, err error) {
	return infos(s, "session", []string{"id", "time_updated"}, id, func(r sqlite.Row) time.Time { return time.UnixMilli(r.Int(1)) })
}

// openCodeRow is a message or a part of one.
type openCodeRow struct {
	row              int64
	id, message      string
	created, updated int64
}

func (o openCode) next(s *sqlite.State, f *Follower, all bool, out *told) error {
	info, updated, err := o.session(s, f.thread.id)
	if err != nil || info == nil {
		return err
	}
	messages, err := s.Table("message", "data")
	if err != nil {
		return err
	}
	parts, err := s.Table("part", "data")
	if err != nil {
		return err
	}
	rows, err := o.rows(s, "message", f.thread.id)
	if err != nil {
		return err
	}
	partsOf := map[string][]openCodeRow{}
	ps, err := o.rows(s, "part", f.thread.id)
	if err != nil {
		return err
	}
	for _, p := range ps {
		partsOf[p.message] = append(partsOf[p.message], p)
		out.touch(p.updated)
	}
	out.touch(updated)
	for i, m := range rows {
		out.touch(m.updated)
		t := openCodeMessage{openCodeRow: m, session: f.thread.id, parts: partsOf[m.id], isLast: i == len(rows)-1, all: all}
		if !t.changed(f) {
			continue
		}
		if out.full() {
			return nil
		}
		if err := t.tell(f, messages, parts, info, out); err != nil {
			return err
		}
		if out.more {
			return nil
		}
	}
	if key := "session " + f.thread.id; f.versions[key] != updated {
		out.versions[key] = updated
		if len(rows) > 0 && out.text.Len() == 0 {
			return out.line(map[string]any{"info": info, "messages": []any{}})
		}
	}
	return nil
}

// session returns what opencode export says of a session, nil if it is gone.
func (openCode) session(s *sqlite.State, id string) (info map[string]any, updated int64, err error) {
	sessions, err := s.Table("session", "id", "parent_id", "directory", "title", "version", "model", "time_created", "time_updated")
	if err != nil {
		return nil, 0, err
	}
	err = sessions.Where("id", id, func(r sqlite.Row) error {
		updated = r.Int(7)
		info = map[string]any{
			"id": id, "directory": r.Text(2), "title": r.Text(3), "version": r.Text(4), "model": members(r.Text(5)),
			"time": map[string]int64{"created": r.Int(6), "updated": updated},
		}
		if parent := r.Text(1); parent != "" {
			info["parentID"] = parent
		}
		return nil
	})
	return info, updated, err
}

// rows returns the messages of a session, or all their parts, in opencode's order.
func (openCode) rows(s *sqlite.State, table, session string) (all []openCodeRow, err error) {
	t, err := s.Table(table, "id", "message_id", "time_created", "time_updated")
	if err != nil {
		return nil, err
	}
	err = t.Where("session_id", session, func(r sqlite.Row) error {
		all = append(all, openCodeRow{row: r.ID, id: r.Text(0), message: r.Text(1), created: r.Int(2), updated: r.Int(3)})
		return nil
	})
	slices.SortFunc(all, func(a, b openCodeRow) int {
		if table == "message" {
			return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id))
		}
		return cmp.Compare(a.id, b.id)
	})
	return all, err
}

// openCodeMessage is a message of which something is not told.
type openCodeMessage struct {
	openCodeRow
	session string
	parts   []openCodeRow
	isLast  bool
	all     bool
}

func (m *openCodeMessage) changed(f *Follower) bool {
	return f.versions[m.id] != m.updated || slices.ContainsFunc(m.parts, func(p openCodeRow) bool { return f.versions[p.id] != p.updated })
}

// tell adds the message with the parts that have changed. How it ended stands with the last
// of them.
func (m *openCodeMessage) tell(f *Follower, messages, parts *sqlite.Table, info map[string]any, out *told) error {
	message := map[string]json.RawMessage{}
	if err := messages.Get(m.row, func(r sqlite.Row) error { message = members(r.Text(0)); return nil }); err != nil {
		return err
	}
	message["id"], message["sessionID"] = quoted(m.id), quoted(m.session)
	var ended struct{ Completed float64 }
	_ = json.Unmarshal(message["time"], &ended) // what has no times has not ended
	written := string(message["role"]) == `"assistant"` && m.isLast && !m.all && ended.Completed == 0
	told := []json.RawMessage{}
	versions, size, whole := map[string]int64{}, 0, true
	for i, p := range m.parts {
		if f.versions[p.id] == p.updated && (i < len(m.parts)-1 || len(told) > 0) {
			continue // the last one is told again, so that the message has one
		}
		var text string
		if err := parts.Get(p.row, func(r sqlite.Row) error { text = r.Text(0); return nil }); err != nil {
			return err
		}
		if written && isBeingWritten(members(text)) {
			whole = false
			break
		}
		size += len(text)
		told = append(told, withIDs(text, "id", p.id, "sessionID", m.session, "messageID", m.id))
		versions[p.id] = p.updated
		if size >= mostText && i < len(m.parts)-1 {
			whole, out.more = false, true
			break
		}
	}
	if whole {
		versions[m.id] = m.updated
	} else {
		delete(message, "error")
		delete(message, "finish")
	}
	maps.Copy(out.versions, versions)
	if len(told) == 0 && !whole {
		return nil
	}
	return out.line(map[string]any{"info": info, "messages": []any{map[string]any{"info": message, "parts": told}}})
}

// isBeingWritten reports whether a part is words that may not be whole yet.
func isBeingWritten(part map[string]json.RawMessage) bool {
	if kind := string(part["type"]); kind != `"text"` && kind != `"reasoning"` {
		return false
	}
	var time struct{ End float64 }
	_ = json.Unmarshal(part["time"], &time) // what has no times has not ended
	return time.End == 0
}
