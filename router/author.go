package router

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"

	"jrweb/eventlog"
)

// authorField is the field of an event's data that names the person who sent it. Only the
// server may set it: what a page shows as a person's word must be one.
const authorField = "author"

// owner is the owner of a session that the request starts, or empty if clients have no
// names.
func (rt *router) owner(grant *Grant) string {
	if rt.o.Authorize == nil {
		return ""
	}
	return grant.Name
}

// localAuthor is the name of a person at a browser on this machine, when the server has no
// login.
const localAuthor = "local"

// sign adds the name of the person who appends to the events, and refuses events that claim
// an author. An admin may append old events with their authors. Without a login any client
// may do that, except for a session whose agent accepts messages: an agent's text must not
// pass for a person's word. If needed is true, only a person may append.
func (rt *router) sign(r *http.Request, b *eventlog.Batch, grant *Grant, needed bool) error {
	name := rt.personOf(r, grant)
	if needed && name == "" {
		return errNoPerson
	}
	for i := range b.Events {
		e := &b.Events[i]
		if claimsAuthor(e.Data) {
			may, err := rt.mayClaim(r.Context(), b, grant)
			if err != nil {
				return err
			}
			if !may {
				return &eventlog.FieldError{Index: i, Field: "data." + authorField, Reason: "is put there by the server, for what people append"}
			}
			continue
		}
		if name != "" && (rt.o.Authorize != nil || steers(e)) {
			e.Data = withAuthor(e.Data, name)
		}
	}
	return nil
}

var errNoPerson = newProblem(http.StatusForbidden, "no_person", "Only people may do this",
	"the server cannot tell that a person sends this: it needs a login or a token of role steer, or, where there are no tokens, the page in a browser on the server's machine")

// steers reports whether an event would reach an agent if a person sent it.
func steers(e *eventlog.Event) bool {
	return e.Type == eventlog.TypeUser || e.Type == eventlog.TypeAnswer || e.Type == eventlog.TypeComplete
}

// personOf returns the name of the person who sent a request, or "" if it was not a person.
func (rt *router) personOf(r *http.Request, grant *Grant) string {
	switch {
	case rt.o.Authorize == nil && isLocalBrowser(r):
		return localAuthor
	case rt.o.Authorize != nil && grant.Role >= RoleSteer:
		return grant.Name
	}
	return ""
}

// mayBePerson reports whether a message from the page that is being sent could count as a
// person's.
func (rt *router) mayBePerson(r *http.Request, grant *Grant) bool {
	if rt.o.Authorize == nil {
		return isNear(r)
	}
	return grant.Role >= RoleSteer && grant.Name != ""
}

// isLocalBrowser reports whether one of our pages sent a request, in a browser on this
// machine: no script of a page can set Sec-Fetch-Site. A program can set it. So this
// prevents that an agent speaks as a person by mistake, but not on purpose; tokens prevent
// that.
func isLocalBrowser(r *http.Request) bool {
	return isNear(r) && r.Header.Get("Sec-Fetch-Site") == "same-origin" && sameHost(r.Header.Get("Origin"), r.Host)
}

// isNear reports whether a request comes from this machine, as far as its headers show.
func isNear(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, forwarded := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"} {
		if r.Header.Get(forwarded) != "" {
			return false // the browser may be on any machine
		}
	}
	return isLoopback(withoutPort(r.Host))
}

// mayClaim reports whether events may come with their own author.
func (rt *router) mayClaim(ctx context.Context, b *eventlog.Batch, grant *Grant) (bool, error) {
	if rt.o.Authorize != nil {
		return grant.Role >= RoleAdmin, nil
	}
	session := b.Session
	if session.IsZero() {
		task, err := rt.log.Task(ctx, b.Task)
		if errors.Is(err, eventlog.ErrTaskNotFound) || err == nil && task.Latest.IsZero() {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		session = task.Latest
	}
	info, err := rt.log.Session(b.Task, session).Info(ctx)
	if errors.Is(err, eventlog.ErrSessionNotFound) || errors.Is(err, eventlog.ErrTaskNotFound) {
		return true, nil // the append reports it
	}
	return err == nil && !info.Steer, err
}

// claimsAuthor reports whether data, a JSON object, has an author.
func claimsAuthor(data json.RawMessage) bool {
	if !bytes.Contains(data, []byte(authorField)) && !bytes.Contains(data, []byte(`\u`)) {
		return false // most data has neither, and need not be parsed
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return false // the log reports what is wrong
	}
	_, claims := members[authorField]
	return claims
}

// withAuthor adds the author at the end of an object.
func withAuthor(data json.RawMessage, name string) json.RawMessage {
	text := bytes.TrimRight(data, jsonSpace)
	inside, isObject := bytes.CutSuffix(text, []byte("}"))
	if !isObject {
		return data // the log reports what is wrong
	}
	author, err := json.Marshal(name)
	if err != nil {
		panic("router: a string cannot be encoded: " + err.Error())
	}
	signed := append(json.RawMessage(nil), inside...)
	if !bytes.HasSuffix(bytes.TrimRight(inside, jsonSpace), []byte("{")) {
		signed = append(signed, ',')
	}
	signed = append(signed, `"`+authorField+`":`...)
	return append(append(signed, author...), '}')
}
