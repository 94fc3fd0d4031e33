package record

import (
	"encoding/json"

	"jrweb/internal/jsonscan"
)

// object is a JSON object of which the log reads some fields.
type object struct {
	fields []field                    // the fields to look for
	values [maxFields]json.RawMessage // their values, nil if absent; of equal names the last counts
}

// value returns the value of one of these fields, or nil if it is absent.
func (o *object) value(name string) json.RawMessage {
	for i := range o.fields {
		if o.fields[i].name == name {
			return o.values[i]
		}
	}
	return nil
}

// keep stores the value of a field if object looks for that field. The name is the raw
// text, and must match exactly: encoding/json into a struct would also take "Content" for
// "content".
func (o *object) keep(name, value []byte) {
	if len(o.fields) == 0 {
		return
	}
	text := jsonscan.String(name)
	for i := range o.fields {
		if o.fields[i].name == string(text) {
			o.values[i] = value
		}
	}
}

// scanObject reads a text once. It returns a copy without the white space between tokens.
// ok reports whether the text is one JSON object in valid UTF-8. The values in o share the
// memory of text.
func scanObject(text []byte, fields []field) (o object, compact []byte, ok bool) {
	s := jsonscan.Compacting(text)
	o.fields = fields
	for s.Next() {
		o.keep(s.Name, s.Value)
	}
	if !s.OK() {
		return object{}, nil, false
	}
	return o, s.Compact(), true
}
