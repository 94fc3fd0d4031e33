package page

import (
	"fmt"
	"html/template"
	"io"
	"net/url"

	"jrweb/eventlog"
)

// SearchPage is what the page of a search over all runs shows, beside the hits.
type SearchPage struct {
	// Query is what was searched for, as it was written, and Words its words alone.
	Query, Words string
	// Searches says that something is searched for. Otherwise the page says what can be.
	Searches bool
	// Continued says that the page goes on behind another one.
	Continued bool
	// Wrong says what is wrong with the query, or is empty.
	Wrong string
	// Warning stands at the top, "" for none.
	Warning string

	// What is known at the end: how many hits there are, how far back the search came, whether
	// it came to the end of everything, and where it goes on.
	Hits   int
	Back   eventlog.Time
	Done   bool
	Next   string
	Failed bool
}

// Outcome says how many hits there are.
func (p *SearchPage) Outcome() string {
	switch {
	case p.Hits == 0 && p.Done && p.Continued:
		return "Nothing more was found."
	case p.Hits == 0 && p.Done:
		return "Nothing was found."
	case p.Done && !p.Continued:
		return fmt.Sprintf("%s in all.", plural(p.Hits, "hit"))
	}
	return fmt.Sprintf("%s so far.", plural(p.Hits, "hit"))
}

// SearchStart writes a page up to its hits.
func SearchStart(w io.Writer, p *SearchPage) error { return executeSearch(w, "search-start", p) }

// SearchEnd writes what stands behind the hits.
func SearchEnd(w io.Writer, p *SearchPage) error { return executeSearch(w, "search-end", p) }

func executeSearch(w io.Writer, name string, data any) error {
	if err := templates.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("page: search: %w", err)
	}
	return nil
}

// hitView is a hit with what its template would otherwise have to look up.
type hitView struct {
	*eventlog.Hit
	Task    string
	Address template.URL
	Tool    string
	At      eventlog.Time
	Line    []linePiece
}

// linePiece is a piece of the line around what was found.
type linePiece struct {
	Text  string
	Found bool
}

// SearchHit writes the row of a hit. It leads to the event, unfolded and with the words
// marked.
func SearchHit(w io.Writer, p *SearchPage, h *eventlog.Hit) error {
	v := hitView{Hit: h, Task: h.Session.Task, Tool: ToolOf(&h.Event), At: eventlog.Time{Time: h.Event.Time}}
	for i, text := range h.Line {
		v.Line = append(v.Line, linePiece{text, i%2 == 1})
	}
	query := url.Values{"session": {h.Session.ID.String()}, "around": {fmt.Sprint(h.Sequence)}}
	if p.Words != "" {
		query.Set("find", p.Words)
	}
	v.Address = template.URL(fmt.Sprintf("tasks/%s?%s#%d", url.PathEscape(v.Task), query.Encode(), h.Sequence))
	return executeSearch(w, "search-hit", v)
}

// ToolOf is the tool of a call or a result, or empty.
func ToolOf(e *eventlog.Event) string {
	if e.Type != eventlog.TypeToolCall && e.Type != eventlog.TypeToolResult {
		return ""
	}
	return shorten(parseFields(e.Data).text("tool"))
}
