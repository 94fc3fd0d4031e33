package router

import (
	"cmp"
	"net/http"
)

// audit logs a request to a route for admins: what was deleted or copied, and by whom, or
// who tried.
func (rt *router) audit(r *http.Request, route string, rec *recorder, err error) {
	status := cmp.Or(rec.status, http.StatusOK)
	attributes := []any{"audit", true, "name", rec.name, "address", r.RemoteAddr, "method", clip(r.Method), "route", route, "path", clip(r.URL.Path)}
	if err != nil {
		if rec.status == 0 { // the error is answered after this
			status = toProblem(err).Status
		}
	}
	if err != nil && status < http.StatusInternalServerError { // failures of the server are logged elsewhere
		attributes = append(attributes, "error", err)
	}
	rt.o.Logger.Info("admin", append(attributes, "status", status)...)
}
