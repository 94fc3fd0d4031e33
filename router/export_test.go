package router

import "net/http"

// Registered are the routes of a handler that New made, as "GET /tasks".
func Registered(h http.Handler) []string { return h.(*router).registered }

// OpenAPI describes all routes that there may be.
var OpenAPI = openAPI
