package mcp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"runtime/debug"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"jrweb/router"
	"jrweb/router/client"
)

// maxBody is how large a message of an agent may be: it holds the arguments of one call.
const maxBody = 1 << 20

// Route returns the route POST /mcp, for the options of a router: the streamable HTTP
// transport, without sessions. handler returns that router's handler: what a tool reads, it
// reads from there, as the client that has called it.
func Route(handler func() http.Handler, version string) router.Route {
	serve := sdk.NewStreamableHTTPHandler(func(r *http.Request) *sdk.Server {
		c, err := client.New("http://localhost", &client.Options{Transport: inside{handler(), r}})
		if err != nil {
			panic("mcp: " + err.Error()) // the URL is a constant
		}
		return newServer(c, version)
	}, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxBody, PropagateRequestCancellation: true,
		DisableLocalhostProtection: true, // the router's guard knows which hosts are allowed
	})
	return router.Route{Method: http.MethodPost, Pattern: "/mcp", Role: router.RoleRead, Handler: serve}
}

// inside carries requests to a handler of the same program, as the client that has sent
// another request.
type inside struct {
	handler http.Handler
	caller  *http.Request
}

// RoundTrip implements [http.RoundTripper].
func (t inside) RoundTrip(req *http.Request) (res *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil { // as net/http does it, which does not see this goroutine
			t.logf("mcp: panic serving %s: %v\n%s", req.URL.Path, p, debug.Stack())
			res, err = nil, fmt.Errorf("the server has failed at %s", req.URL.Path)
		}
	}()
	r := t.caller.Clone(callerContext{req.Context(), t.caller.Context()})
	r.Method, r.URL, r.RequestURI = req.Method, &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery}, req.URL.RequestURI()
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
		r.Header.Del(name) // they are of the caller's body
	}
	r.Header.Set("Accept", req.Header.Get("Accept"))
	a := &answer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(a, r)
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: req,
	}, nil
}

// logf writes where net/http writes what handlers do wrong.
func (t inside) logf(format string, args ...any) {
	if s, ok := t.caller.Context().Value(http.ServerContextKey).(*http.Server); ok && s.ErrorLog != nil {
		s.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// callerContext ends with one context, and has the values of the caller's as well: who it is
// may stand there.
type callerContext struct {
	context.Context
	caller context.Context
}

// Value implements [context.Context].
func (c callerContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.caller.Value(key)
}

// answer is an answer in memory. The router bounds its answers.
type answer struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if !a.wrote {
		a.status, a.wrote = status, true
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
