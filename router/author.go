package router

import (
	"bytes"
	"encoding/json"

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

// sign puts the name of the person who appends into its events, and refuses an author
// that somebody else claims. An admin may bring back what was said before, with who
// said it.
func (rt *router) sign(events []eventlog.Event, grant *Grant) error {
	if rt.o.Authorize == nil {
		return nil // nobody has a name
	}
	for i := range events {
		claims := claimsAuthor(events[i].Data)
		switch {
		case claims && grant.Role < RoleAdmin:
			return &eventlog.FieldError{Index: i, Field: "data." + authorField, Reason: "is put there by the server, for what people append"}
		case claims, grant.Role < RoleSteer, grant.Name == "":
		default:
			events[i].Data = withAuthor(events[i].Data, grant.Name)
		}
	}
	return nil
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
