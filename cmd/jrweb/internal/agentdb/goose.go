package agentdb

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"jrweb/cmd/jrweb/internal/sqlite"
)

// goose is Goose's database since 2025: sessions, and their messages as JSON. Its text is
// that of the files that Goose kept before: a line of the session, and one for each message.
type goose struct{}

func (goose) threads(s *sqlite.State, id string) ([]Info, error) {
	return infos(s, "sessions", []string{"id", "updated_at"}, id, func(r sqlite.Row) time.Time { return gooseTime(r.Text(1)) })
}

// gooseTime is the zero time for what is not a time.
func gooseTime(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05", time.RFC3339Nano} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// gooseSums are what a session has come to.
var gooseSums = []string{"accumulated_input_tokens", "accumulated_output_tokens", "accumulated_cost"}

func (g goose) next(s *sqlite.State, f *Follower, _ bool, out *told) error {
	info, sums, err := g.session(s, f.thread.id, out)
	if err != nil || info == nil {
		return err
	}
	messages, err := s.Table("messages", "role", "created_timestamp", "content_json", "metadata_json")
	if err != nil {
		return err
	}
	rows, err := s.Table("messages")
	if err != nil {
		return err
	}
	var ids []int64
	if err := rows.Where("session_id", f.thread.id, func(r sqlite.Row) error { ids = append(ids, r.ID); return nil }); err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	if about := f.about(info); about != 0 {
		out.versions["about"] = about
		if err := out.line(info); err != nil {
			return err
		}
	}
	gone := f.gone(ids)
	for _, id := range ids {
		key := rowKey(id)
		if _, is := f.versions[key]; is {
			continue
		}
		if out.full() {
			return nil
		}
		err := messages.Get(id, func(r sqlite.Row) error {
			sum := int64(number(r.Text(0)+r.Text(2)+fmt.Sprint(r.Int(1)))) | 1
			out.versions[key] = sum
			out.touch(asMillis(r.Int(1)))
			if same := gone[sum]; len(same) > 0 {
				// Goose rewrites all messages when it sums them up.
				gone[sum], out.versions[same[0]] = same[1:], 0
				return nil
			}
			return out.line(map[string]any{
				"role": r.Text(0), "created": r.Int(1), "content": valid(r.Text(2), "[]"), "metadata": valid(r.Text(3), "{}"),
			})
		})
		if err != nil {
			return err
		}
	}
	if text, _ := json.Marshal(sums); len(sums) > 0 && f.versions["sums"] != int64(number(string(text))) {
		out.versions["sums"] = int64(number(string(text)))
		maps.Copy(info, sums)
		return out.line(info)
	}
	return nil
}

// session returns the first line of a session, nil if it is gone, and what it has come to.
func (goose) session(s *sqlite.State, id string, out *told) (info, sums map[string]any, err error) {
	columns := append([]string{"id", "name", "description", "working_dir", "model_config_json", "parent_session_id", "updated_at"}, gooseSums...)
	sessions, err := s.Table("sessions", columns...)
	if err != nil {
		return nil, nil, err
	}
	err = sessions.Where("id", id, func(r sqlite.Row) error {
		name := r.Text(1)
		if name == "" {
			name = r.Text(2)
		}
		info = map[string]any{
			"id": id, "name": name, "working_dir": r.Text(3), "model_config": valid(r.Text(4), "{}"), "message_count": 0,
		}
		if parent := r.Text(5); parent != "" {
			info["parent_session_id"] = parent
		}
		out.touch(gooseTime(r.Text(6)).UnixMilli())
		sums = map[string]any{}
		for i, name := range gooseSums {
			if value := r.Values[7+i]; value != nil {
				sums[name] = value
			}
		}
		return nil
	})
	return info, sums, err
}
