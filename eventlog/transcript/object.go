package transcript

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
)

// object is a JSON object whose members are decoded when they are asked for.
// Agents change their formats without notice, so a member of another kind than
// expected reads as absent: it must not cost the rest of the line. The nil object
// has no members.
//
// It is a list and no map, because most objects have a few members, of which few are
// looked at: to make a map of each would take most of the time of a conversion. Of
// members with the same name the last counts.
type object []field

// field is a member of an object. Its memory may be that of a line.
type field struct {
	name  []byte // without quotes and escapes
	value json.RawMessage
}

// parseObject returns nil for what is not an object. The members share the memory of raw.
func parseObject(raw []byte) object {
	var few [24]member
	members, ok := membersOf(raw, few[:0])
	if !ok {
		return nil
	}
	return objectOf(raw, members)
}

// ownObject is for an object whose memory is not ours: its members have a copy.
func ownObject(raw []byte) object {
	var few [24]member
	members, ok := membersOf(raw, few[:0])
	if !ok {
		return nil
	}
	return objectOf(bytes.Clone(raw), members)
}

func objectOf(raw []byte, members []member) object {
	o := make(object, len(members))
	for i, m := range members {
		o[i] = field{name: nameOf(raw[m.name:m.nameEnd]), value: raw[m.value:m.valueEnd:m.valueEnd]}
	}
	return o
}

// value returns a member, nil if there is none.
func (o object) value(name string) json.RawMessage {
	for _, member := range slices.Backward(o) {
		if string(member.name) == name {
			return member.value
		}
	}
	return nil
}

// with returns an object with one more member, or with another value of it.
func (o object) with(name string, value json.RawMessage) object {
	return slices.Concat(o, object{{[]byte(name), value}})
}

// without returns an object without a member.
func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(f field) bool { return string(f.name) == name })
}

// only returns an object with these members, absent ones too.
func (o object) only(names ...string) object {
	some := make(object, len(names))
	for i, name := range names {
		some[i] = field{[]byte(name), o.value(name)}
	}
	return some
}

// clone returns an object with memory of its own.
func (o object) clone() object {
	copied := make(object, len(o))
	for i, f := range o {
		copied[i] = field{bytes.Clone(f.name), bytes.Clone(f.value)}
	}
	return copied
}

// sorted returns the members in the order of their names, each name once.
func (o object) sorted() []field {
	all := slices.Clone(o)
	slices.Reverse(all) // the last of a name comes first
	slices.SortStableFunc(all, func(a, b field) int { return bytes.Compare(a.name, b.name) })
	return slices.CompactFunc(all, func(a, b field) bool { return bytes.Equal(a.name, b.name) })
}

func (o object) has(name string) bool {
	value := o.value(name)
	return len(value) > 0 && value[0] != 'n' // null
}

// text returns the first of the members that is a string and not empty.
func (o object) text(names ...string) string {
	for _, name := range names {
		if s := textOf(o.value(name)); s != "" {
			return s
		}
	}
	return ""
}

// textOf returns "" for what is not a string.
func textOf(raw json.RawMessage) string {
	end := afterString(raw, 0)
	if end < 0 || afterSpace(raw, end) != len(raw) {
		return ""
	}
	return unquote(raw[:end])
}

func (o object) object(name string) object { return parseObject(o.value(name)) }

// hasList reports whether a member is an array. A member is valid JSON.
func (o object) hasList(name string) bool {
	value := o.value(name)
	return len(value) > 0 && value[0] == '['
}

// list returns the elements of a member that is an array.
func (o object) list(name string) []json.RawMessage { return listOf(o.value(name)) }

func listOf(raw json.RawMessage) []json.RawMessage {
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	list := []json.RawMessage{}
	if !eachElement(raw, func(value []byte) { list = append(list, value) }) {
		return nil
	}
	return list
}

func (o object) number(name string) (n float64, ok bool) {
	value := o.value(name)
	if len(value) == 0 || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return 0, false
	}
	if afterNumber(value, 0) != len(value) {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// amount returns the first of the members that is a number, 0 for none.
func (o object) amount(names ...string) float64 {
	for _, name := range names {
		if n, ok := o.number(name); ok {
			return n
		}
	}
	return 0
}

func (o object) truth(name string) (value, ok bool) {
	switch string(o.value(name)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

func (o object) isTrue(name string) bool {
	value, _ := o.truth(name)
	return value
}

// time returns the first of the members that is a time: RFC 3339, the same
// without a zone (UTC), or milliseconds since 1970.
func (o object) time(names ...string) time.Time {
	for _, name := range names {
		if n, ok := o.number(name); ok {
			if t := millis(asMillis(n)); !t.IsZero() {
				return t
			}
		}
		if s := textOf(o.value(name)); s != "" {
			for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
				if t, err := time.Parse(layout, s); err == nil && t.UTC().Year() >= 1970 && t.UTC().Year() <= 9999 {
					return t.UTC()
				}
			}
		}
	}
	return time.Time{}
}

// asMillis tells from its size whether a time counts seconds, milliseconds, microseconds
// or nanoseconds: agents change what they count in, and each stands for other centuries.
func asMillis(n float64) float64 {
	switch {
	case n < 1e11:
		return n * 1e3
	case n < 1e14:
		return n
	case n < 1e17:
		return n / 1e3
	}
	return n / 1e6
}

// millis returns the zero time for what is before 1970 or after the year 9999.
func millis(ms float64) time.Time {
	const end = 253402300800000 // the year 10000
	if !(ms > 0 && ms < end) {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Trunc(ms))).UTC()
}

// isObject reports whether raw is an object, if it is valid JSON.
func isObject(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}
