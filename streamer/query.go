package streamer

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"jrweb/eventlog"
)

// QueryError says which value of a request's query is wrong.
type QueryError struct {
	Field  string
	Reason string
}

func (e *QueryError) Error() string { return fmt.Sprintf("query: %s: %s", e.Field, e.Reason) }

// query is what a client requests.
type query struct {
	session eventlog.SessionID // zero: the latest
	all     bool               // every session of the task
	types   Types
	format  format
	control bool
	// The client's cursor, as it was sent. twice says that the client sent more
	// than one, so that none can be chosen.
	lastEventID string
	twice       bool
}

// queryNames are the allowed names of query parameters.
var queryNames = []string{"session", "sessions", "types", "last_event_id", "format", "control"}

// parseQuery reads a query. html renders format=html; if it is nil, that format is refused.
func parseQuery(r *http.Request, html HTMLFunc) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, &QueryError{"query", "is not well-formed: " + err.Error()}
	}
	var q query
	for _, name := range slices.Sorted(maps.Keys(values)) { // in order, so that of two wrong names always the same one is reported
		if !slices.Contains(queryNames, name) {
			return query{}, &QueryError{cmp.Or(fmt.Sprintf("%.64s", name), "query"), "is not known here; known are " + strings.Join(queryNames, ", ")}
		}
		if len(values[name]) > 1 && name != "last_event_id" {
			return query{}, &QueryError{name, "is given more than once"}
		}
	}
	if values.Has("session") {
		if q.session, err = eventlog.ParseSessionID(values.Get("session")); err != nil {
			return query{}, eventlog.ErrSessionNotFound // a text that is not an id names no session
		}
	}
	if values.Has("sessions") {
		switch {
		case values.Get("sessions") != "all":
			return query{}, &QueryError{"sessions", "must be all"}
		case values.Has("session"):
			return query{}, &QueryError{"sessions", "cannot stand beside session"}
		}
		q.all = true
	}
	if values.Has("types") {
		if q.types, err = ParseTypes(values.Get("types")); err != nil {
			return query{}, err
		}
	}
	switch format := values.Get("format"); {
	case !values.Has("format"), format == "json":
		q.format = jsonFormat
	case format == "envelope":
		q.format = envelopeFormat
	case format == "html" && html != nil:
		q.format = htmlFormat(html, q.all)
	case html == nil:
		return query{}, &QueryError{"format", "must be json or envelope"}
	default:
		return query{}, &QueryError{"format", "must be json, envelope or html"}
	}
	switch control := values.Get("control"); {
	case control == "true":
		q.control = true
	case values.Has("control") && control != "false":
		return query{}, &QueryError{"control", "must be true or false"}
	}

	// A browser that reconnects sends the header, with the newest cursor. The query has the
	// cursor with which a new EventSource object began.
	ids := slices.DeleteFunc(slices.Clone(r.Header.Values("Last-Event-ID")), isEmpty)
	if len(ids) == 0 {
		ids = slices.DeleteFunc(values["last_event_id"], isEmpty)
	}
	if len(ids) > 0 {
		q.lastEventID, q.twice = ids[0], len(ids) > 1
	}
	return q, nil
}

func isEmpty(s string) bool { return s == "" }

// Types is a set of event types to show. Nil shows all.
type Types map[string]bool

// controlTypes are frames about the stream itself. They are never hidden, but a client may
// list them.
var controlTypes = []string{"reset", "gap", "caught_up"}

// ParseTypes reads a list of types, "a,b". Its errors are [*QueryError].
func ParseTypes(list string) (Types, error) {
	types := Types{}
	for name := range strings.SplitSeq(list, ",") {
		if !eventlog.ValidType(name) && !slices.Contains(controlTypes, name) {
			return nil, &QueryError{"types", fmt.Sprintf("%.80q is not an event type", name)}
		}
		types[name] = true
	}
	return types, nil
}

// Show reports whether an event must be shown. A complete event always is, because a client
// that filters must see the end as well.
func (t Types) Show(e *eventlog.Event) bool {
	return t == nil || t[e.Type] || e.Type == eventlog.TypeComplete
}
