package redact

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// data returns the data with its secrets replaced, and the names of the rules that found
// them. The result shares memory with data only if nothing was found.
func (r *redactor) data(data []byte) ([]byte, []string) {
	var (
		found  []string
		out    []byte
		copied int
		secret *rule  // makes the next string a secret,
		key    []byte // because this is its key
		buffer []byte
	)
	for i := 0; ; {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			break
		}
		from := i + quote + 1
		length := stringLength(data[from:])
		if length < 0 {
			return data, nil // not JSON
		}
		to := from + length
		i = to + 1
		raw := data[from:to]

		n := len(found)
		text := raw
		if bytes.IndexByte(raw, '\\') >= 0 {
			buffer = decode(buffer[:0], raw)
			text = buffer
		}
		for {
			if secret != nil && r.hides(secret, key, text) {
				raw = []byte(secret.marker)
				text = raw
				found = append(found, secret.Name)
				break
			}
			spans := r.find(text)
			if len(spans) == 0 {
				break
			}
			raw = replace(raw, spans)
			buffer = decode(buffer[:0], raw)
			text = buffer
			for _, s := range spans {
				found = append(found, s.rule.Name)
			}
			// Text beside a secret may be one too, now that the secret is replaced.
		}
		if len(found) > n {
			if out == nil {
				if !valid(data) {
					return data, nil
				}
				out = make([]byte, 0, len(data)+len(found)*32)
			}
			out = append(append(out, data[copied:from]...), raw...)
			copied = to
		}
		secret = nil
		if value := afterColon(data[i:]); len(value) > 0 && value[0] == '"' {
			if secret = r.forKey(text); secret != nil {
				key = append(key[:0], text...)
			}
		}
	}
	if found == nil {
		return data, nil
	}
	return append(out, data[copied:]...), found
}

// valid reports whether the log would take the data as JSON. To replace a part of other
// data could make it acceptable.
func valid(data []byte) bool { return utf8.Valid(data) && json.Valid(data) }

// hides reports whether the rule says that the value of a key must be replaced.
func (r *redactor) hides(rule *rule, key, value []byte) bool {
	if len(value) == 0 || r.markers[string(value)] {
		return false
	}
	return rule.plausible == nil || rule.plausible(slices.Concat(key, []byte(`":"`)), value)
}

// stringLength returns how many bytes come before the closing quote, or -1.
func stringLength(text []byte) int {
	for i := 0; ; {
		quote := bytes.IndexByte(text[i:], '"')
		if quote < 0 {
			return -1
		}
		end := i + quote
		backslashes := 0
		for end-backslashes > 0 && text[end-backslashes-1] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return end
		}
		i = end + 1
	}
}

// afterColon returns what comes after a key, or nil if there was no key.
func afterColon(rest []byte) []byte {
	const space = " \t\r\n"
	if rest = bytes.TrimLeft(rest, space); len(rest) == 0 || rest[0] != ':' {
		return nil
	}
	return bytes.TrimLeft(rest[1:], space)
}

// decode appends the meaning of the string between two quotes.
func decode(dst, raw []byte) []byte {
	dst = slices.Grow(dst, len(raw))
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c, n := unescape(raw[i:])
		dst = utf8.AppendRune(dst, c)
		raw = raw[i+n:]
	}
}

// replace puts markers for the spans, which are places in the decoded text, into the raw
// text.
func replace(raw []byte, spans []span) []byte {
	out := make([]byte, 0, len(raw)+32*len(spans))
	at := 0 // in the decoded text
	for i := 0; i < len(raw); {
		if len(spans) > 0 && at == spans[0].to {
			spans = spans[1:]
		}
		decoded, n := 1, 1
		if raw[i] == '\\' {
			var c rune
			c, n = unescape(raw[i:])
			decoded = utf8.RuneLen(c)
		}
		switch {
		case len(spans) == 0 || at < spans[0].from:
			out = append(out, raw[i:i+n]...)
		case at == spans[0].from:
			out = append(out, spans[0].rule.marker...)
		}
		at += decoded
		i += n
	}
	return out
}

// unescape returns the meaning of the escape at the beginning of raw, and its length. An
// escape that JSON does not know means U+FFFD, like half a surrogate pair.
func unescape(raw []byte) (rune, int) {
	if len(raw) < 2 {
		return utf8.RuneError, len(raw)
	}
	switch raw[1] {
	case '"', '\\', '/':
		return rune(raw[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		c := hex4(raw[2:])
		if c < 0 {
			return utf8.RuneError, 2
		}
		if !utf16.IsSurrogate(c) {
			return c, 6
		}
		if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
			if c := utf16.DecodeRune(c, hex4(raw[8:])); c != utf8.RuneError {
				return c, 12
			}
		}
		return utf8.RuneError, 6
	}
	return utf8.RuneError, 2
}

// hex4 returns the value of four hexadecimal digits, or -1.
func hex4(digits []byte) rune {
	if len(digits) < 4 {
		return -1
	}
	var n rune
	for _, c := range digits[:4] {
		switch c = fold[c]; {
		case c >= '0' && c <= '9':
			n = n<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | rune(c-'a'+10)
		default:
			return -1
		}
	}
	return n
}
