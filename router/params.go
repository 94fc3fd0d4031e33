package router

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"

	"jrweb/eventlog"
	"jrweb/router/blob"
)

// params are the checked ids of a path, and what the request may do.
type params struct {
	task    string
	session eventlog.SessionID
	grant   Grant
	hash    string // of a blob
}

// sessionPattern is what clients know of session ids. A log makes only some of the ids that
// match; the others name no session.
var sessionPattern = regexp.MustCompile(`^[A-Za-z0-9]{16,40}$`)

// readParams checks the ids in a path. A text that is not an id names nothing. Readers and
// deleters get 404 for it. Writers made a mistake, and get a problem that names the field.
func readParams(r *http.Request, ps httprouter.Params) (params, error) {
	var p params
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete
	for _, param := range ps {
		var err error
		switch param.Key {
		case "task":
			p.task = param.Value
			if !eventlog.ValidTaskID(param.Value) {
				err = invalid("task", "must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}")
				if reads {
					err = eventlog.ErrTaskNotFound
				}
			}
		case "session":
			if p.session, err = eventlog.ParseSessionID(param.Value); err != nil {
				err = eventlog.ErrSessionNotFound
				if !reads && !sessionPattern.MatchString(param.Value) {
					err = invalid("session", "must match "+sessionPattern.String())
				}
			}
		case "hash":
			if p.hash = param.Value; !blob.ValidHash(p.hash) {
				err = errNoBlob
			}
		}
		if err != nil {
			return params{}, err
		}
	}
	return p, nil
}

// queryValues are the values of a query. Each name appears once.
type queryValues map[string]string

// readQuery reads a query that may have only the given names.
func readQuery(r *http.Request, names ...string) (queryValues, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badQuery("query", "is not well-formed: "+err.Error())
	}
	q := queryValues{}
	for _, name := range slices.Sorted(maps.Keys(values)) { // in order, so that of two wrong names always the same one is reported
		if !slices.Contains(names, name) {
			known := "none are known here"
			if len(names) > 0 {
				known = "known are " + strings.Join(names, ", ")
			}
			return nil, badQuery(cmp.Or(fmt.Sprintf("%.64s", name), "query"), "is not known here; "+known)
		}
		if len(values[name]) > 1 {
			return nil, badQuery(name, "is given more than once")
		}
		q[name] = values.Get(name)
	}
	return q, nil
}

// number returns a whole number from 1 to most, or fallback if it is not given.
func (q queryValues) number(name string, fallback, most int) (int, error) {
	text, given := q[name]
	if !given {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badQuery(name, fmt.Sprintf("must be a number from 1 to %d", most))
	}
	return n, nil
}

// flag returns true or false, or fallback if it is not given.
func (q queryValues) flag(name string, fallback bool) (bool, error) {
	switch text, given := q[name]; {
	case !given:
		return fallback, nil
	case text == "true", text == "false":
		return text == "true", nil
	}
	return false, badQuery(name, "must be true or false")
}

// session returns the session that the query names, or zero if it names none. A text that
// is not an id names no session.
func (q queryValues) session() (eventlog.SessionID, error) {
	text, given := q["session"]
	if !given {
		return eventlog.SessionID{}, nil
	}
	id, err := eventlog.ParseSessionID(text)
	if err != nil {
		return id, eventlog.ErrSessionNotFound
	}
	return id, nil
}

// all reports whether the query requests all sessions.
func (q queryValues) all() (bool, error) {
	sessions, given := q["sessions"]
	if !given {
		return false, nil
	}
	if sessions != "all" {
		return false, badQuery("sessions", "must be all")
	}
	if _, both := q["session"]; both {
		return false, badQuery("sessions", "cannot stand beside session")
	}
	return true, nil
}
