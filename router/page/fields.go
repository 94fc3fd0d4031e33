package page

import (
	"bytes"
	"encoding/json"
	"slices"
)

// fields are the members of a JSON object in their order.
type fields []field

type field struct {
	name  string
	value json.RawMessage
}

// parseFields returns nil for what is not an object.
func parseFields(object json.RawMessage) fields {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	var f fields
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return f
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return f
		}
		f = append(f, field{name.(string), value})
	}
	return f
}

// raw returns a member as it stands there, nil if there is none. Of several with
// one name the last counts, as for every reader of JSON.
func (f fields) raw(name string) json.RawMessage {
	for _, member := range slices.Backward(f) {
		if member.name == name {
			return member.value
		}
	}
	return nil
}

// text returns a member as text, whatever it is: null is none.
func (f fields) text(name string) string { return textOf(f.raw(name)) }

// str returns a member that is a string.
func (f fields) str(name string) (string, bool) {
	raw := f.raw(name)
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return textOf(raw), true
}

// number returns a member that is a number.
func (f fields) number(name string) (n float64, ok bool) {
	return n, json.Unmarshal(f.raw(name), &n) == nil && string(f.raw(name)) != "null"
}

// without returns the members that have none of the names.
func (f fields) without(names ...string) fields {
	var rest fields
	for _, one := range f {
		if !slices.Contains(names, one.name) {
			rest = append(rest, one)
		}
	}
	return rest
}

func textOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
	}
	return string(raw)
}
