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

// authorField is where the data of an event says which person it is from. Only we
// put it there: what stands in a page as a person's word must be one.
const authorField = "author"

// owner is whose a session is that the request starts, empty if nobody has a name.
func (rt *router) owner(grant *Grant) string {
	if rt.o.Authorize == nil {
		return ""
	}
	return grant.Name
}

// localAuthor is a person whom nobody has named: at a browser on this machine, of a
// server without a login.
const localAuthor = "local"

// sign puts the name of the person who appends into its events, and refuses an author
// that somebody else claims. An admin may bring back what was said before, with who
// said it; without a login anybody may, but for sessions whose agent listens: what an
// agent says must not be taken for a person's word. With needed, nobody but a person
// may append.
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

// steers reports whether an event is one that reaches an agent if it is of a person.
func steers(e *eventlog.Event) bool {
	return e.Type == eventlog.TypeUser || e.Type == eventlog.TypeAnswer || e.Type == eventlog.TypeComplete
}

// personOf returns the name of the person who sent a request, "" for anybody else.
func (rt *router) personOf(r *http.Request, grant *Grant) string {
	switch {
	case rt.o.Authorize == nil && isLocalBrowser(r):
		return localAuthor
	case rt.o.Authorize != nil && grant.Role >= RoleSteer:
		return grant.Name
	}
	return ""
}

// mayBePerson reports whether what is said on a page that is sent now can be a person's.
func (rt *router) mayBePerson(r *http.Request, grant *Grant) bool {
	if rt.o.Authorize == nil {
		return isNear(r)
	}
	return grant.Role >= RoleSteer && grant.Name != ""
}

// isLocalBrowser reports whether a page of ours sent a request, in a browser on this
// machine: no script of a page can set Sec-Fetch-Site. A program can, so this keeps
// agents from speaking as people by mistake, and not by intent; tokens do that.
func isLocalBrowser(r *http.Request) bool {
	return isNear(r) && r.Header.Get("Sec-Fetch-Site") == "same-origin" && sameHost(r.Header.Get("Origin"), r.Host)
}

// isNear reports whether a request is of this machine, as far as anybody tells.
func isNear(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, forwarded := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"} {
		if r.Header.Get(forwarded) != "" {
			return false // the browser may be anywhere
		}
	}
	return isLoopback(withoutPort(r.Host))
}

// mayClaim reports whether events may come with an author of theirs.
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
		return true, nil // the append says so
	}
	return err == nil && !info.Steer, err
}

// claimsAuthor reports whether data, an object, has an author.
func claimsAuthor(data json.RawMessage) bool {
	if !bytes.Contains(data, []byte(authorField)) && !bytes.Contains(data, []byte(`\u`)) {
		return false // most have neither, and need not be read
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return false // the log says what is wrong
	}
	_, claims := members[authorField]
	return claims
}

// withAuthor puts the author to the end of an object.
func withAuthor(data json.RawMessage, name string) json.RawMessage {
	text := bytes.TrimRight(data, jsonSpace)
	inside, isObject := bytes.CutSuffix(text, []byte("}"))
	if !isObject {
		return data // the log says what is wrong
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
