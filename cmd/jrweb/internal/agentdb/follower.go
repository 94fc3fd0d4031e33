package agentdb

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"jrweb/cmd/jrweb/internal/sqlite"
)

// Follower tells the text of a thread, and more of it once there is more. It is not safe
// for concurrent use.
type Follower struct {
	thread   *Thread
	versions map[string]int64 // of what was told, by its id
	changed  time.Time
}

// Changed is when what was told last changed, as the agent says.
func (f *Follower) Changed() time.Time { return f.changed }

// mostText is about how much text is made at a time.
const mostText = 1 << 20

// told is what a look adds.
type told struct {
	text     bytes.Buffer
	versions map[string]int64
	changed  time.Time
	more     bool // there is more, for another look
}

// line adds a line.
func (t *told) line(value any) error {
	e := json.NewEncoder(&t.text)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// full ends a look when it has made enough.
func (t *told) full() bool {
	t.more = t.more || t.text.Len() >= mostText
	return t.more
}

func (t *told) touch(ms int64) {
	if at := time.UnixMilli(ms); ms > 0 && at.After(t.changed) {
		t.changed = at
	}
}

// look returns what was not told, up to about mostText.
func (f *Follower) look(all bool) (*told, error) {
	var out *told
	err := f.thread.database.file.Read(func(s *sqlite.State) error {
		out = &told{versions: map[string]int64{}, changed: f.changed}
		return f.thread.database.next(s, f, all, out)
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(f.versions, out.versions)
	f.changed = out.changed
	return out, nil
}

// Rest returns the text that was not told. All says that nothing follows it: then words
// are told, too, that are not whole.
func (f *Follower) Rest(all bool) io.Reader { return &rest{follower: f, all: all, more: true} }

type rest struct {
	follower *Follower
	all      bool
	more     bool
	text     *bytes.Buffer
}

// Read implements [io.Reader].
func (r *rest) Read(p []byte) (int, error) {
	for r.text == nil || r.text.Len() == 0 {
		if !r.more {
			return 0, io.EOF
		}
		out, err := r.follower.look(r.all)
		if err != nil {
			return 0, err
		}
		r.text, r.more = &out.text, out.more
	}
	n, err := r.text.Read(p)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// members returns the members of a JSON object, none if the text is not one.
func members(text string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(text), &m) != nil || m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

// withIDs returns a JSON object with more members at its end, as its export has them.
func withIDs(text string, namesAndIDs ...string) json.RawMessage {
	text = strings.TrimSpace(text)
	if !json.Valid([]byte(text)) || !strings.HasPrefix(text, "{") {
		text = "{}"
	}
	b := []byte(strings.TrimSuffix(text, "}"))
	for i := 0; i < len(namesAndIDs); i += 2 {
		if i > 0 || len(members(text)) > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, quoted(namesAndIDs[i])...), ':'), quoted(namesAndIDs[i+1])...)
	}
	return append(b, '}')
}

func quoted(text string) json.RawMessage {
	raw, _ := json.Marshal(text) // it cannot fail
	return raw
}

// valid returns a text if it is JSON, or else another one.
func valid(text, otherwise string) json.RawMessage {
	if !json.Valid([]byte(text)) {
		text = otherwise
	}
	return json.RawMessage(text)
}

// asMillis tells from its size whether a time counts seconds or milliseconds: both Goose and
// Crush have changed what they count in.
func asMillis(n int64) int64 {
	if n < 1e11 {
		return 1000 * n
	}
	return n
}

// about returns a version of what is known of a thread, 0 if it was told.
func (f *Follower) about(info map[string]any) int64 {
	text, _ := json.Marshal(info) // it is of texts
	if n := int64(number(string(text))) | 1; n != f.versions["about"] {
		return n
	}
	return 0
}

// rowKey names a row of which nothing but its place is known.
func rowKey(id int64) string { return "row " + strconv.FormatInt(id, 10) }

// gone returns the rows that were told and are not there any more, by their versions. Those
// whose version is 0 are there again, as others.
func (f *Follower) gone(ids []int64) map[int64][]string {
	there := map[string]bool{}
	for _, id := range ids {
		there[rowKey(id)] = true
	}
	gone := map[int64][]string{}
	for key, version := range f.versions {
		if strings.HasPrefix(key, "row ") && version != 0 && !there[key] {
			gone[version] = append(gone[version], key)
		}
	}
	return gone
}
