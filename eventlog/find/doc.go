// Package find says what a search looks for, and whether an event has it:
//
//	q, err := find.Parse(`"connection refused" agent:codex after:7d`, time.Now())
//	m := find.NewMatcher(q)
//	if m.May(e.Data) && m.Match(e) {
//		line := m.Line(e)
//	}
//
// What it promises:
//
//   - A word is found wherever it stands in what a person sees of an event: in its texts and
//     numbers. The names of fields are not searched, nor are walls of base64.
//   - Upper and lower case are the same, by Unicode's simple folding. Any blanks are the same
//     as one blank. Colours of a terminal do not part words.
//   - Escapes of JSON stand for what they mean: é and \u00e9 are the same.
//   - May never says no to an event that Match says yes to. It decodes nothing.
//
// Caveats: a word is found in the middle of another one. A phrase is found within one text,
// not over two fields.
package find
