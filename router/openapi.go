package router

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// openAPI describes every route that a router of ours may have, as OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

var patternName = regexp.MustCompile(`[:*](\w+)`)

// describedPath is a pattern in the form of OpenAPI: /tasks/:task is /tasks/{task}.
func describedPath(pattern string) string { return patternName.ReplaceAllString(pattern, "{$1}") }

// describe returns openAPI without the routes that this router does not have.
func (rt *router) describe() (json.RawMessage, error) {
	var document, paths map[string]json.RawMessage
	if err := json.Unmarshal(openAPI, &document); err != nil {
		return nil, fmt.Errorf("router: openapi.json: %w", err)
	}
	if err := json.Unmarshal(document["paths"], &paths); err != nil {
		return nil, fmt.Errorf("router: openapi.json: %w", err)
	}
	has := map[string]bool{}
	for _, route := range rt.registered {
		_, pattern, _ := strings.Cut(route, " ")
		has[describedPath(pattern)] = true
	}
	for path := range paths {
		if !has[path] {
			delete(paths, path)
		}
	}
	var err error
	if document["paths"], err = json.Marshal(paths); err != nil {
		return nil, fmt.Errorf("router: openapi.json: %w", err)
	}
	return json.Marshal(document)
}

// getOpenAPI answers with the description of the routes.
func (rt *router) getOpenAPI(w http.ResponseWriter, r *http.Request, _ params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, rt.description)
}
