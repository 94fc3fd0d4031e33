package agentdb

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"

	"jrweb/cmd/jrweb/internal/sqlite"
)

// crush is Crush's database, one in each project. Its text is that of crush session show
// --json, a document for each message.
type crush struct{}

func (crush) threads(s *sqlite.State, id string) ([]Info, error) {
	return infos(s, "sessions", []string{"id", "updated_at"}, id, func(r sqlite.Row) time.Time { return time.UnixMilli(asMillis(r.Int(1))) })
}

// crushMessage is where a message is.
type crushMessage struct {
	row      int64
	id       string
	created  int64
	finished bool
}

func (c crush) next(s *sqlite.State, f *Follower, all bool, out *told) error {
	meta, cost, err := c.session(s, f, out)
	if err != nil || meta == nil {
		return err
	}
	messages, err := s.Table("messages", "role", "parts", "model", "created_at")
	if err != nil {
		return err
	}
	rows, err := c.messages(s, f.thread.id, out)
	if err != nil {
		return err
	}
	for i, m := range rows {
		if f.versions[m.id] != 0 {
			continue
		}
		// What the model says grows in its row until it is finished.
		if !m.finished && i == len(rows)-1 && !all {
			return nil
		}
		if out.full() {
			return nil
		}
		out.versions[m.id] = 1
		err := messages.Get(m.row, func(r sqlite.Row) error {
			return out.line(map[string]any{"meta": meta, "messages": []any{map[string]any{
				"id": m.id, "role": r.Text(0), "parts": valid(r.Text(1), "[]"), "model": r.Text(2), "created_at": asMillis(r.Int(3)),
			}}})
		})
		if err != nil {
			return err
		}
	}
	if spent := int64(cost * 1e9); len(rows) > 0 && spent > 0 && f.versions["cost"] != spent {
		out.versions["cost"] = spent
		meta["cost"] = cost
		return out.line(map[string]any{"meta": meta, "messages": []any{}})
	}
	return nil
}

// session returns what is known of a session, nil if it is gone, and what it has cost.
func (crush) session(s *sqlite.State, f *Follower, out *told) (meta map[string]any, cost float64, err error) {
	sessions, err := s.Table("sessions", "id", "parent_session_id", "title", "created_at", "updated_at", "cost")
	if err != nil {
		return nil, 0, err
	}
	err = sessions.Where("id", f.thread.id, func(r sqlite.Row) error {
		meta = map[string]any{"id": f.thread.id, "title": r.Text(2), "created_at": asMillis(r.Int(3)), "updated_at": asMillis(r.Int(4))}
		if parent := r.Text(1); parent != "" {
			meta["parent_session_id"] = parent
		}
		// The database does not say of which project it is, but stands in its folder.
		if data := filepath.Dir(f.thread.database.path); filepath.Base(data) == ".crush" {
			meta["cwd"] = filepath.Dir(data)
		}
		// What a subagent costs Crush adds to what its caller has cost.
		if meta["parent_session_id"] == nil {
			cost, _ = r.Values[5].(float64)
		}
		out.touch(asMillis(r.Int(4)))
		return nil
	})
	return meta, cost, err
}

func (crush) messages(s *sqlite.State, session string, out *told) (all []crushMessage, err error) {
	rows, err := s.Table("messages", "id", "role", "created_at", "updated_at", "finished_at")
	if err != nil {
		return nil, err
	}
	err = rows.Where("session_id", session, func(r sqlite.Row) error {
		out.touch(asMillis(r.Int(3)))
		all = append(all, crushMessage{row: r.ID, id: r.Text(0), created: r.Int(2), finished: r.Text(1) != "assistant" || r.Int(4) > 0})
		return nil
	})
	slices.SortFunc(all, func(a, b crushMessage) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.row, b.row))
	})
	return all, err
}
