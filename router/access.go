package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"jrweb/eventlog"
)

// Role is what somebody may do. Each one may do all that those before it may.
type Role int

// The roles.
const (
	RoleNone  Role = iota // what needs no credential: assets, signing in, health
	RoleRead              // look
	RoleWrite             // append, as an agent
	RoleSteer             // say something, as a person
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

// Access is a request that is to be authorized.
type Access struct {
	Request *http.Request
	// Route is the pattern of the route, such as /tasks/:task/events.
	Route string
	// Role is what the route needs. With RoleNone, Authorize is not asked.
	Role Role
	// Task and Session are those of the path, zero if it has none.
	Task    string
	Session eventlog.SessionID
}

// Grant says what a request may do, and who sent it. The zero value is somebody
// without a name who may do what the route does, for ever, with every task.
type Grant struct {
	// Until ends what was granted: a stream ends with it, reason revoked, whatever
	// became of its connection. Nil: it does not end.
	Until context.Context
	// Name is who it is, for the log, and as the owner of sessions. It may be empty.
	Name string
	// Role is the greatest role that it has, for pages, which show what can be done.
	// At RoleSteer and above it is a person: what it appends carries its name.
	Role Role
	// Sees says which tasks it may see. Nil: all. It is called often, and concurrently.
	Sees func(task string) bool
}

func (g *Grant) sees(task string) bool { return g.Sees == nil || g.Sees(task) }

// Authorize decides whether a request may do what its route does. An error that is
// a [*Refusal] reaches the client; any other is a failure of the server's.
type Authorize func(Access) (Grant, error)

// Refusal is an error that the client is told.
type Refusal struct {
	// Status is from 400 to 499, or from 300 to 399 with a Location in Header.
	Status int
	// Detail says why, to the client.
	Detail string
	// Header is added to the answer: WWW-Authenticate, Location and the like.
	Header http.Header
}

// Error implements error.
func (r *Refusal) Error() string { return r.Detail }

// problem is the refusal as clients get it.
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

// authorize asks Options.Authorize about a request.
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

// isRefusal returns the problem of an error that is a refusal, of Authorize or of
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
