package router_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"jrweb/router"
	"jrweb/router/auth"
	"jrweb/router/mcp"
)

// description is openapi.json, read and checked once.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	for _, contentType := range []string{"text/html", "text/event-stream", "text/css", "text/javascript", "image/svg+xml", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(contentType, openapi3filter.FileBodyDecoder)
	}
	doc, err := openapi3.NewLoader().LoadFromData(router.OpenAPI)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// asDescribed checks an answer against the description. It ignores paths that match none of
// its routes.
func asDescribed(t *testing.T, method, path string, status int, header http.Header, body string) {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	described := describedRoute(doc, path)
	if method == http.MethodHead {
		method, body = http.MethodGet, ""
	}
	if described == "" || doc.Paths.Value(described).GetOperation(method) == nil {
		return
	}
	request, err := http.NewRequest(method, "http://localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	item := doc.Paths.Value(described)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request,
			Route:   &routers.Route{Spec: doc, Path: described, PathItem: item, Method: method, Operation: item.GetOperation(method)},
		},
		Status: status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body))),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: body == ""},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		t.Errorf("%s %s is answered %d, not as openapi.json says: %v", method, path, status, err)
	}
}

// describedRoute returns the path of the description that matches the path of a request, or
// "". No request matches two equally well.
func describedRoute(doc *openapi3.T, path string) string {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(path, "/")
	for described := range doc.Paths.Map() {
		if slices.EqualFunc(strings.Split(described, "/"), segments, func(part, segment string) bool {
			return part == segment || strings.HasPrefix(part, "{") && segment != ""
		}) {
			return described
		}
	}
	return ""
}

// allRoutes are those that the packages beside the router have.
func allRoutes(a *auth.Auth) []router.Route {
	return append(a.Routes(), mcp.Route(func() http.Handler { return nil }, "1"))
}

// serveAll serves every route that can exist.
func serveAll(t *testing.T) (s *server, a *auth.Auth, token string) {
	t.Helper()
	dir := t.TempDir()
	token, line, err := auth.NewToken("ann", router.RoleAdmin)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"tokens": line, "roles": "bea:read"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err = auth.Open(auth.Options{
		TokenFile: filepath.Join(dir, "tokens"), RolesFile: filepath.Join(dir, "roles"), KeyFile: filepath.Join(dir, "key"),
		OIDC: &auth.OIDC{Issuer: "http://127.0.0.1:1", ClientID: "jrweb", ClientSecret: "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return serveWith(t, options{router: router.Options{Authorize: a.Authorize, Routes: allRoutes(a), Metrics: metrics}}), a, token
}

func TestEveryRouteIsDescribedAndNoOther(t *testing.T) {
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	_, a, _ := serveAll(t)
	handler, err := router.New(nil, nil, &router.Options{Authorize: a.Authorize, Routes: allRoutes(a), Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]router.Role{}
	for _, r := range allRoutes(a) {
		roles[r.Method+" "+r.Pattern] = r.Role
	}
	described := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
		}
	}
	for _, route := range router.Registered(handler) {
		method, pattern, _ := strings.Cut(route, " ")
		if method == http.MethodHead {
			continue
		}
		segments := strings.Split(pattern, "/")
		for i, segment := range segments {
			if name := strings.TrimLeft(segment, ":*"); name != segment {
				segments[i] = "{" + name + "}"
			}
		}
		path := strings.Join(segments, "/")
		if !described[method+" "+path] {
			t.Errorf("%s is not in openapi.json", route)
			continue
		}
		delete(described, method+" "+path)
		role, known := needs[route]
		if !known {
			role = roles[route]
		}
		if got := doc.Paths.Value(path).GetOperation(method).Extensions["x-role"]; got != role.String() {
			t.Errorf("%s needs the role %s, and in openapi.json %v", route, role, got)
		}
	}
	for route := range described {
		t.Errorf("openapi.json has %s, which is no route", route)
	}
}

func TestAServerDescribesTheRoutesThatItHas(t *testing.T) {
	paths := func(s *server) map[string]any {
		return s.get("/openapi.json").is(200).object()["paths"].(map[string]any)
	}
	few := paths(serve(t))
	all, _, _ := serveAll(t)
	for _, path := range []string{"/login", "/login/provider", "/mcp", "/metrics", "/tasks/{task}/share"} {
		if few[path] != nil {
			t.Errorf("%s is described where it does not exist", path)
		}
		if paths(all)[path] == nil {
			t.Errorf("%s is not described where it exists", path)
		}
	}
	if few["/tasks/{task}"] == nil {
		t.Error("/tasks/{task} is not described")
	}
}

// The answers of all tests of this package are checked against the description. Here are
// the answers that no other test requests.
func TestAnswersOfSigningInAreAsDescribed(t *testing.T) {
	s, _, token := serveAll(t)
	bearer := "Authorization: Bearer " + token
	const form = "Content-Type: application/x-www-form-urlencoded"
	s.post("/tasks/t-1/events", say("x"), bearer).is(200)
	s.get("/login").is(200)
	s.post("/login", `{"token":"`+token+`"}`).is(200)
	s.post("/login", `{"token":"guessed-and-wrong"}`).is(401)
	s.post("/login", `nothing`).is(400)
	s.post("/login", "token="+token, form).is(303)
	s.post("/login", "token=guessed-and-wrong", form).is(401)
	for range 20 {
		s.post("/login", `{"token":"guessed-and-wrong"}`)
	}
	s.post("/login", `{"token":"guessed-and-wrong"}`).is(429)
	s.post("/logout", "").is(303)
	s.post("/tasks/t-1/share", "", bearer).is(201)
	s.post("/tasks/t-1/share", `{"expires_seconds":0}`, bearer).is(422)
	s.get("/tasks").is(401)
	s.get("/", "Accept: text/html").is(303)
	s.get("/tasks/t-1/events", bearer, "Accept: application/x-ndjson").is(200)
}
