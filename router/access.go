package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"jrweb/eventlog"
)

// Role says what a client may do. Each role includes those before it.
type Role int

// The roles.
const (
	RoleNone  Role = iota // no credential needed: assets, signing in, health
	RoleRead              // read
	RoleWrite             // append, as an agent
	RoleSteer             // write to agents, as a person
	RoleAdmin             // delete, back up
)

var roleNames = [...]string{"none", "read", "write", "steer", "admin"}

// String returns the role's name.
func (r Role) String() string {
	if r < 0 || int(r) >= len(roleNames) {
		return fmt.Sprintf("Role(%d)", int(r))
	}
	return roleNames[r]
}

// ParseRole returns the role of a name: read, write, steer or admin.
func ParseRole(name string) (Role, error) {
	for role := RoleRead; role <= RoleAdmin; role++ {
		if role.String() == name {
			return role, nil
		}
	}
	return RoleNone, fmt.Errorf("role %q is none of read, write, steer, admin", name)
}

// Access is a request to authorize.
type Access struct {
	Request *http.Request
	// Route is the pattern of the route, such as /tasks/:task/events.
	Route string
	// Role is the role that the route needs. With RoleNone, Authorize is not called.
	Role Role
	// Task and Session are the ids in the path, or zero if the path has none.
	Task    string
	Session eventlog.SessionID
}

// Grant says what a request may do, and who sent it. The zero value is a client without a
// name who may do what the route does, with every task, without an end.
type Grant struct {
	// Until ends the grant: a stream ends with it, reason revoked, whatever kind of
	// connection it uses. Nil: the grant does not end.
	Until context.Context
	// Name says who sent the request, for the log and as the owner of sessions. It may be
	// empty.
	Name string
	// Role is the highest role of the client. Pages use it to show only what the client may
	// do. At RoleSteer and above the client is a person: what it appends carries its name.
	Role Role
	// Sees reports whether the client may see a task. Nil: all tasks. It is called often,
	// and concurrently. A client with it gets no backup, which has all tasks.
	Sees func(task string) bool
}

func (g *Grant) sees(task string) bool { return g.Sees == nil || g.Sees(task) }

// Authorize decides whether a request may do what its route does. If its error is a
// [*Refusal], the client sees it. Any other error is a failure of the server.
type Authorize func(Access) (Grant, error)

// Refusal is an error that the client sees.
type Refusal struct {
	// Status is from 400 to 499, or from 300 to 399 with a Location in Header.
	Status int
	// Detail tells the client why.
	Detail string
	// Header is added to the answer: WWW-Authenticate, Location and the like.
	Header http.Header
}

// Error implements error.
func (r *Refusal) Error() string { return r.Detail }

// problem is the refusal in the form for clients.
func (r *Refusal) problem() *problem {
	status, word, title := r.Status, "refused", "The request is refused"
	switch {
	case status < 300 || status > 499:
		status = http.StatusForbidden
	case status == http.StatusUnauthorized:
		word, title = "unauthorized", "Who are you?"
	case status == http.StatusForbidden:
		word, title = "forbidden", "Not allowed"
	case status == http.StatusTooManyRequests:
		word, title = "too_many", "Too many requests"
	}
	p := newProblem(status, word, title, r.Detail)
	p.header = r.Header
	return p
}

// authorize calls Options.Authorize for a request.
func (rt *router) authorize(r *http.Request, route string, role Role, p params) (Grant, error) {
	if rt.o.Authorize == nil || role == RoleNone {
		return Grant{Role: RoleAdmin}, nil
	}
	grant, err := rt.o.Authorize(Access{Request: r, Route: route, Role: role, Task: p.task, Session: p.session})
	if err != nil {
		return Grant{}, err
	}
	if p.task != "" && !grant.sees(p.task) {
		return Grant{}, eventlog.ErrTaskNotFound
	}
	return grant, nil
}

// isRefusal returns the problem of an error if the error is a refusal, of Authorize or of
// the log's middleware.
func isRefusal(err error) (*problem, bool) {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.problem(), true
	}
	if errors.Is(err, eventlog.ErrRefused) {
		return newProblem(http.StatusForbidden, "refused", "The append is refused", err.Error()), true
	}
	return nil, false
}
