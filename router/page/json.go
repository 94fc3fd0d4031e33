package page

import (
	"bytes"
	"encoding/json"
	"strings"
)

// prettyJSON indents a JSON value; its strings and numbers stay as they were. A
// large or deep one would become far more space than text.
func prettyJSON(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) > shownAtMost || depthOf(raw) > 50 || json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// depthOf is how deep the arrays and objects of a JSON value stand in each other;
// brackets in strings may count as well.
func depthOf(raw json.RawMessage) int {
	deepest, depth := 0, 0
	for _, c := range raw {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		}
	}
	return deepest
}

// looksLikeJSON reports whether a text is a JSON object or array.
func looksLikeJSON(text string) bool {
	text = strings.TrimSpace(text)
	if len(text) < 2 || len(text) > shownAtMost || text[0] != '{' && text[0] != '[' {
		return false
	}
	return json.Valid([]byte(text))
}

// writeJSON writes indented JSON in colour. It goes over the tokens by itself: a
// page shows much JSON, and a lexer made of regular expressions is a hundred times
// slower. What is cut off in the middle is written as well.
func writeJSON(b *strings.Builder, text string) {
	for i := 0; i < len(text); {
		end, class := i+1, ""
		switch c := text[i]; {
		case c == '"':
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			class = "s-string"
			if end < len(text) && text[end] == ':' {
				class = "s-prop"
			}
		case c == '-' || c >= '0' && c <= '9':
			for end < len(text) && strings.IndexByte("+-.eE0123456789", text[end]) >= 0 {
				end++
			}
			class = "s-number"
		case c >= 'a' && c <= 'z':
			for end < len(text) && text[end] >= 'a' && text[end] <= 'z' {
				end++
			}
			class = "s-word"
		default:
			for end < len(text) && strings.IndexByte(" \n{}[],:", text[end]) >= 0 {
				end++
			}
		}
		writeSpan(b, class, text[i:end])
		i = end
	}
}
