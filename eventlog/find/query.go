package find

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"jrweb/eventlog/event"
)

// The limits of a query.
const (
	MaxQuery = 1024 // bytes
	maxWords = 32
)

// Query is what is searched for. Several values of one filter mean any of them; all else
// must hold.
type Query struct {
	words []word

	agents, models, projects, people []string // folded; a part of the name is enough
	tools                            []string // folded
	types, tasks                     []string
	statuses                         []event.Status
	after, before                    time.Time
}

// QueryError says what is wrong with a query.
type QueryError struct {
	// Filter is the name of the wrong filter, or empty.
	Filter string
	Reason string
}

// Error implements error.
func (e *QueryError) Error() string { return "find: " + e.Reason }

// Filters are the names of the filters, in the order in which people should read them.
func Filters() []string {
	return []string{"agent", "model", "project", "person", "type", "tool", "status", "after", "before", "task"}
}

var (
	filterName = regexp.MustCompile(`^[a-z]{1,32}$`)
	typeName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	statuses   = []event.Status{event.StatusOpen, event.Succeeded, event.Failed, event.Canceled, event.Interrupted}
)

// Parse reads a query: words, "phrases" and filters such as agent:codex or agent:"Claude
// Code". Within quotes, \" is a quote. now is for times such as after:7d.
func Parse(text string, now time.Time) (*Query, error) {
	if len(text) > MaxQuery || !utf8.ValidString(text) {
		return nil, &QueryError{Reason: fmt.Sprintf("a query has at most %d bytes of UTF-8", MaxQuery)}
	}
	q := &Query{}
	for rest := strings.TrimLeft(text, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		name, after, isFilter := cutFilter(rest)
		if isFilter {
			rest = after
		}
		value, after, closed := cutValue(rest)
		switch {
		case !closed:
			return nil, &QueryError{Filter: name, Reason: "a quote is not closed"}
		case isFilter:
			if err := q.filter(name, value, now); err != nil {
				return nil, err
			}
		default:
			q.add(value)
		}
		rest = after
	}
	slices.SortStableFunc(q.words, func(a, b word) int { return cmp.Compare(a.rank, b.rank) })
	if len(q.words) > maxWords {
		return nil, &QueryError{Reason: fmt.Sprintf("a query has at most %d words", maxWords)}
	}
	return q, nil
}

const blanks = " \t\r\n"

// cutFilter returns the name of the filter with which a text begins. A word with a colon
// that can be no filter, such as http://, std::move or main.go:12, is a word.
func cutFilter(text string) (name, rest string, ok bool) {
	end := strings.IndexAny(text, blanks+`:"`)
	if end < 0 || text[end] != ':' || !filterName.MatchString(text[:end]) {
		return "", text, false
	}
	name, rest = text[:end], text[end+1:]
	known := slices.Contains(Filters(), name)
	empty := rest == "" || strings.ContainsAny(rest[:1], blanks)
	if !known && (empty || strings.ContainsAny(rest[:1], ":/")) {
		return "", text, false
	}
	return name, rest, true
}

// cutValue returns the word or the quoted text with which a text begins.
func cutValue(text string) (value, rest string, closed bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, blanks)
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

func (q *Query) add(value string) {
	if folded := strings.Trim(foldText(value), " "); folded != "" {
		w := newWord(folded)
		w.written = strings.Join(strings.Fields(value), " ")
		q.words = append(q.words, w)
	}
}

func (q *Query) filter(name, value string, now time.Time) (err error) {
	bad := func(reason string) error { return &QueryError{Filter: name, Reason: name + " " + reason} }
	value = strings.Trim(value, blanks)
	if value == "" {
		return bad("needs a value")
	}
	folded := strings.Trim(foldText(value), " ")
	switch name {
	case "agent":
		q.agents = append(q.agents, folded)
	case "model":
		q.models = append(q.models, folded)
	case "project":
		q.projects = append(q.projects, folded)
	case "person":
		q.people = append(q.people, folded)
	case "tool":
		q.tools = append(q.tools, folded)
	case "type":
		if !typeName.MatchString(value) {
			return bad("must be a type of events, such as tool_call")
		}
		q.types = append(q.types, value)
	case "task":
		if !event.ValidTaskID(value) {
			return bad("must be the id of a task")
		}
		q.tasks = append(q.tasks, value)
	case "status":
		if !slices.Contains(statuses, event.Status(value)) {
			return bad(fmt.Sprintf("must be one of %v", statuses))
		}
		q.statuses = append(q.statuses, event.Status(value))
	case "after":
		if q.after, err = parseTime(value, now); err != nil {
			return bad(err.Error())
		}
	case "before":
		if q.before, err = parseTime(value, now); err != nil {
			return bad(err.Error())
		}
	default:
		return bad(fmt.Sprintf("is no filter; known are %s; put quotes around it to search for the text", strings.Join(Filters(), ", ")))
	}
	return nil
}

// Empty reports whether the query asks for nothing.
func (q *Query) Empty() bool {
	return len(q.words) == 0 && len(q.agents) == 0 && len(q.models) == 0 && len(q.projects) == 0 && len(q.people) == 0 &&
		len(q.tools) == 0 && len(q.types) == 0 && len(q.tasks) == 0 && len(q.statuses) == 0 && q.after.IsZero() && q.before.IsZero()
}

// Words are the words and phrases as they were written, in any order.
func (q *Query) Words() []string {
	var words []string
	for i := range q.words {
		words = append(words, q.words[i].written)
	}
	return words
}
