package router

import "net/http"

// Registered are the routes of a handler that New made, as "GET /tasks".
func Registered(h http.Handler) []string { return h.(*router).registered }

// OpenAPI describes all routes that there may be.
var OpenAPI = openAPI

// SetAnswerBudget changes the budget of all answers of a router.
func SetAnswerBudget(h http.Handler, most int64) { h.(*router).answers.most = most }
