package redact

import (
	"bytes"
	"cmp"
	"slices"
)

// marker is the beginning of every replacement.
const marker = "[redacted:"

// span is the place of a secret in a text.
type span struct {
	from, to int
	rule     *rule
}

// tooFar bounds the text that is searched twice: the inside of a match that was not
// plausible is searched again only if it is no longer than this.
const tooFar = 256

// find returns the secrets in text, in order, without overlap. It joins overlapping secrets
// into one, named for the rule that comes first in the table.
func (r *redactor) find(text []byte) []span {
	var spans []span
	var until []int // per rule: where to continue, so that no part of the text is read once per byte
	covered := 0    // the end of the last marker: what follows it begins a word
	for i, starts := r.starts.next(text, 0); i >= 0; i, starts = r.starts.next(text, i+1) {
		for k := range starts {
			s := &starts[k]
			rule := s.rule
			if rule.find == nil || !s.at(text[i:]) || rule.Word && i > 0 && i != covered && alphanumeric(text[i-1]) {
				continue
			}
			if until == nil {
				until = make([]int, r.rules)
			}
			if i < until[rule.number] {
				continue
			}
			from, to, plausible := rule.match(text[i:])
			if plausible {
				spans = append(spans, span{i + from, i + to, rule})
				covered = max(covered, i+to)
			}
			if plausible || to-from > tooFar {
				until[rule.number] = i + to
			}
		}
	}
	for _, rule := range r.whole {
		if rule.find == nil {
			continue
		}
		for _, m := range rule.find.FindAllSubmatchIndex(text, -1) {
			if from, to := rule.secret(m); from < to {
				spans = append(spans, span{from, to, rule})
			}
		}
	}
	if spans == nil {
		return nil // by far the most common
	}
	return merge(r.sparing(text, merge(spans)))
}

// match returns the place of the secret at the beginning of text. If there is none, to is
// 0.
func (r *rule) match(text []byte) (from, to int, plausible bool) {
	m := r.find.FindSubmatchIndex(text)
	if m == nil {
		return 0, 0, false
	}
	if from, to = r.secret(m); from == to {
		return 0, 0, false
	}
	return from, to, r.plausible == nil || r.plausible(text[:from], text[from:to])
}

// secret returns the part of a match that must be replaced.
func (r *rule) secret(m []int) (from, to int) {
	for g := 2; g < len(m); g += 2 {
		if m[g] < m[g+1] {
			return m[g], m[g+1]
		}
	}
	return m[0], m[1]
}

// sparing extends each span to include the markers that it overlaps as a whole, and drops
// spans that contain nothing else. So redacted text stays as it is, and each round of
// redacting leaves less other text. The spans are in order and do not overlap.
func (r *redactor) sparing(text []byte, spans []span) []span {
	next := 0 // the first span that may reach the marker
	for i := 0; ; {
		at := bytes.Index(text[i:], []byte(marker))
		if at < 0 {
			break
		}
		from := i + at
		i = from + len(marker)
		length := bytes.IndexByte(text[i:min(len(text), i+r.longest)], ']')
		if length < 0 || !r.markers[string(text[from:i+length+1])] {
			continue
		}
		i += length + 1
		to := i
		for next < len(spans) && spans[next].to <= from {
			next++
		}
		for k := next; k < len(spans) && spans[k].from < to; k++ {
			if s := &spans[k]; from <= s.from && s.to <= to {
				s.rule = nil
			} else {
				s.from, s.to = min(s.from, from), max(s.to, to)
			}
		}
	}
	return slices.DeleteFunc(spans, func(s span) bool { return s.rule == nil })
}

// merge sorts spans and joins those that overlap.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(a.rule.number, b.rule.number))
	})
	merged := spans[:0]
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s.from < merged[last].to {
			m := &merged[last]
			m.to = max(m.to, s.to)
			if s.rule.number < m.rule.number {
				m.rule = s.rule
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// forKey returns the rule that makes the value of this key a secret, or nil.
func (r *redactor) forKey(key []byte) *rule {
	for i, starts := r.starts.next(key, 0); i >= 0; i, starts = r.starts.next(key, i+1) {
		for k := range starts {
			if rule := starts[k].rule; rule.Key != nil && starts[k].at(key[i:]) && rule.Key.Match(key) {
				return rule
			}
		}
	}
	for _, rule := range r.keyed {
		if rule.Key.Match(key) {
			return rule
		}
	}
	return nil
}
