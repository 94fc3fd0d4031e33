package transcript

import (
	"encoding/json"
	"strconv"
	"strings"
)

// data is the data of an event while it is made: its members in their order,
// without the braces around them.
type data []byte

func (d data) name(name string) data {
	if d == nil {
		d = make(data, 0, 192) // most have no more
	}
	if len(d) > 0 {
		d = append(d, ',')
	}
	return append(append(append(d, '"'), name...), '"', ':')
}

func (d data) text(name, value string) data { return appendQuoted(d.name(name), value) }

// some adds a text that is not empty.
func (d data) some(name, value string) data {
	if value == "" {
		return d
	}
	return d.text(name, value)
}

// raw adds valid JSON, unless it is absent or null.
func (d data) raw(name string, value json.RawMessage) data {
	if len(value) == 0 || string(value) == "null" {
		return d
	}
	return append(d.name(name), value...)
}

func (d data) flag(name string, value bool) data { return strconv.AppendBool(d.name(name), value) }

// number adds a finite number.
func (d data) number(name string, value float64) data {
	format := byte('f')
	if value != 0 && value < 1e-6 {
		format = 'g'
	}
	return strconv.AppendFloat(d.name(name), value, format, -1, 64)
}

// quote makes a JSON string. What is not UTF-8 becomes U+FFFD.
func quote(s string) []byte { return appendQuoted(make([]byte, 0, len(s)+len(s)/16+2), s) }

// withMore joins members with others.
func withMore(d, more data) data {
	if len(d) == 0 {
		return more
	}
	return append(d, comma(more)...)
}

// comma separates members from those before them.
func comma(more data) data {
	if len(more) == 0 {
		return nil
	}
	return append(data{','}, more...)
}

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }
