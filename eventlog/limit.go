package eventlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// LimitStrings cuts the long texts of events, such as a tool's output, to at most
// limit bytes, which must be positive, and says so in the data:
//
//	{"content":"The first by…","truncated":{"content":{"bytes":48213,"sha256":"9f86…"}}}
//
// The bytes are counted, and the SHA-256 taken, of the whole text as it reads
// after its JSON escapes are resolved, in UTF-8; half a surrogate pair reads as
// U+FFFD. What is kept is the beginning of that text, whole characters only.
// Everything else in the data stays byte for byte.
//
// Only the strings directly in the data are cut, and not those that name things
// (call_id, code, model, scope, status, tool). Whatever else is long, like the
// args of a tool_call, is left; [Options.MaxEventBytes] has the last word, so the
// limit is best well below it. A truncated that is there already gets the new
// entries; what it says of a text that was cut before stands, and if it is not
// an object it is replaced.
//
// Secrets must be taken out before: a hash of them helps to guess them.
func LimitStrings(limit int) Middleware {
	if limit < 1 {
		panic("eventlog: LimitStrings: the limit must be positive")
	}
	return func(next AppendFunc) AppendFunc {
		return func(ctx context.Context, b *Batch) (Appended, error) {
			for i := range b.Events {
				b.Events[i].Data = limitStrings(b.Events[i].Data, limit)
			}
			return next(ctx, b)
		}
	}
}

// namesThings are the strings that are of use only as a whole.
var namesThings = []string{"call_id", "code", "model", "scope", "status", "tool"}

const truncatedKey = "truncated"

// cut is one string that is too long.
type cut struct {
	key      string
	rawKey   []byte // with its quotes
	from, to int    // the bytes of the data that go
	bytes    int
	hash     [sha256.Size]byte
}

// limitStrings returns the data itself if there is nothing to cut in it, or if
// it is no JSON object, which is for the log to refuse.
func limitStrings(data json.RawMessage, limit int) json.RawMessage {
	// An escape is never shorter than what it means.
	if len(data) <= limit || !utf8.Valid(data) || !json.Valid(data) {
		return data
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return data
	}
	var cuts []cut
	said, saidEnd := json.RawMessage(nil), 0 // the value of truncated, and where it ends
	for d.More() {
		before := int(d.InputOffset())
		key, err := d.Token()
		if err != nil {
			return data
		}
		afterKey := int(d.InputOffset())
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return data
		}
		end := int(d.InputOffset())
		name, _ := key.(string)
		if name == truncatedKey {
			said, saidEnd = value, end
			continue
		}
		if value[0] != '"' || len(value)-2 <= limit || slices.Contains(namesThings, name) {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return data
		}
		if len(text) <= limit {
			continue
		}
		start := end - len(value) + 1
		cuts = append(cuts, cut{
			key:    name,
			rawKey: data[before+bytes.IndexByte(data[before:], '"') : afterKey],
			from:   start + rawPrefix(data[start:end-1], limit),
			to:     end - 1,
			bytes:  len(text),
			hash:   sha256.Sum256([]byte(text)),
		})
	}
	if cuts == nil {
		return data
	}
	return truncate(data, cuts, said, saidEnd)
}

// truncate returns the data without what is cut. If said is not nil, it is the
// value of truncated that is there, and ends at saidEnd.
func truncate(data json.RawMessage, cuts []cut, said json.RawMessage, saidEnd int) json.RawMessage {
	var known map[string]json.RawMessage
	isObject := said != nil && said[0] == '{' && json.Unmarshal(said, &known) == nil
	var entries []byte
	for _, c := range cuts {
		if _, told := known[c.key]; told {
			continue // of the longer text that this one is the beginning of
		}
		if entries != nil {
			entries = append(entries, ',')
		}
		entries = append(append(entries, c.rawKey...), `:{"bytes":`...)
		entries = strconv.AppendInt(entries, int64(c.bytes), 10)
		entries = append(entries, `,"sha256":"`...)
		entries = hex.AppendEncode(entries, c.hash[:])
		entries = append(entries, `"}`...)
	}
	// Where the entries go, and what of the data they take the place of.
	var from, to int
	switch {
	case isObject:
		from, to = saidEnd-1, saidEnd-1
		if len(known) > 0 && entries != nil {
			entries = append([]byte{','}, entries...)
		}
	case said != nil:
		from, to = saidEnd-len(said), saidEnd
		entries = slices.Concat([]byte{'{'}, entries, []byte{'}'})
	default:
		from = bytes.LastIndexByte(data, '}')
		to = from
		entries = slices.Concat([]byte(`,"`+truncatedKey+`":{`), entries, []byte{'}'})
	}
	out := make(json.RawMessage, 0, len(data)+len(entries))
	copied := 0
	for _, c := range cuts {
		if copied <= from && to <= c.from {
			out = append(append(out, data[copied:from]...), entries...)
			copied, from = to, len(data)+1
		}
		out = append(out, data[copied:c.from]...)
		copied = c.to
	}
	if from <= len(data) {
		out = append(append(out, data[copied:from]...), entries...)
		copied = to
	}
	return append(out, data[copied:]...)
}

// rawPrefix returns how much of raw, the JSON string between two quotes, means
// at most limit bytes in whole characters.
func rawPrefix(raw []byte, limit int) int {
	for i := 0; i < len(raw); {
		width, meant := 1, 1
		switch {
		case raw[i] >= utf8.RuneSelf:
			_, width = utf8.DecodeRune(raw[i:])
			meant = width
		case raw[i] == '\\' && raw[i+1] != 'u':
			width = 2
		case raw[i] == '\\':
			width, meant = 6, utf8.RuneLen(utf8.RuneError)
			c := codeUnit(raw[i:])
			if !utf16.IsSurrogate(c) {
				meant = utf8.RuneLen(c)
			} else if i+12 <= len(raw) && raw[i+6] == '\\' && raw[i+7] == 'u' &&
				utf16.DecodeRune(c, codeUnit(raw[i+6:])) != utf8.RuneError {
				width, meant = 12, 4
			}
		}
		if limit -= meant; limit < 0 {
			return i
		}
		i += width
	}
	return len(raw)
}

// codeUnit returns what an escape of the form \uXXXX says.
func codeUnit(escape []byte) rune {
	n, _ := strconv.ParseUint(string(escape[2:6]), 16, 16)
	return rune(n)
}
