package router

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"jrweb/eventlog"
	"jrweb/router/page"
	"jrweb/router/price"
	"jrweb/streamer"
)

// Options are the settings of a router. The zero value is good.
type Options struct {
	// AllowedHosts are the names, IP addresses and networks (CIDR) by which
	// clients may call the server, beside localhost, *.localhost, 127.0.0.0/8
	// and [::1]. Any other Host is refused: a web page anywhere could otherwise
	// read everything through a DNS name that it controls.
	AllowedHosts []string
	// MaxRequestBytes is how large the body of a request may be. 0: 32 MiB.
	MaxRequestBytes int64
	// Prices estimate what tokens cost where agents name no money. Nil: the table that
	// is built in.
	Prices *price.Table
	// Metrics is served at GET /metrics. Nil: the route does not exist.
	Metrics http.Handler
	// Trace is told what happens.
	Trace *Trace
	// Logger gets what no client can be told. Nil: silence.
	Logger *slog.Logger
}

type router struct {
	log    *eventlog.Log
	stream *streamer.Streamer
	o      Options
	trace  Trace
	guard  *guard
	routes *httprouter.Router
	raws   rawCounts
}

// New returns the handler of a log. Mount it at the root, or under a prefix with
// [http.StripPrefix]. Log and Streamer stay the caller's. Nil options are the
// defaults. It fails if AllowedHosts has an entry that is none.
func New(log *eventlog.Log, s *streamer.Streamer, o *Options) (http.Handler, error) {
	rt := &router{log: log, stream: s}
	if o != nil {
		rt.o = *o
	}
	rt.o.Prices = cmp.Or(rt.o.Prices, price.Default())
	if s != nil { // without one, only the options are checked
		s.SetHTML(page.Rows{Prices: rt.o.Prices}.AppendEvent)
		s.SetTasks(rt.showTask)
	}
	rt.o.MaxRequestBytes = cmp.Or(rt.o.MaxRequestBytes, 32<<20)
	if rt.o.Logger == nil {
		rt.o.Logger = slog.New(slog.DiscardHandler)
	}
	if rt.o.Trace != nil {
		rt.trace = *rt.o.Trace
	}
	var err error
	if rt.guard, err = newGuard(rt.o.AllowedHosts); err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	rt.routes = &httprouter.Router{
		// Redirects lose the prefix that we are mounted under.
		HandleMethodNotAllowed: true,
		NotFound:               rt.fallback(errNoRoute),
		MethodNotAllowed:       withoutOptions(rt.fallback(errMethod)),
	}
	rt.register()
	return rt, nil
}

// register lists every route.
func (rt *router) register() {
	get := func(pattern string, h handler) {
		rt.handle(http.MethodGet, pattern, h)
		rt.handle(http.MethodHead, pattern, h)
	}
	put := func(pattern string, h handler) { rt.handle(http.MethodPut, pattern, h) }
	post := func(pattern string, h handler) { rt.handle(http.MethodPost, pattern, h) }
	del := func(pattern string, h handler) { rt.handle(http.MethodDelete, pattern, h) }

	get("/", rt.listPage)
	get("/stream", rt.streamTasks)
	get("/tasks", rt.listTasks)
	get("/tasks/:task", rt.getTask)
	put("/tasks/:task", rt.putTask)
	del("/tasks/:task", rt.deleteTask)
	get("/tasks/:task/events", rt.listEvents)
	post("/tasks/:task/events", rt.appendToTask)
	get("/tasks/:task/events/stream", rt.streamEvents)
	get("/tasks/:task/sessions", rt.listSessions)
	post("/tasks/:task/sessions", rt.startSession)
	get("/tasks/:task/sessions/:session", rt.getSession)
	del("/tasks/:task/sessions/:session", rt.deleteSession)
	post("/tasks/:task/sessions/:session/events", rt.appendToSession)
	post("/tasks/:task/sessions/:session/heartbeat", rt.heartbeat)
	post("/tasks/:task/sessions/:session/complete", rt.complete)
	get("/tasks/:task/sessions/:session/blobs/:hash", rt.getBlob)
	get("/backup", rt.backup)
	get("/healthz", rt.healthz)
	get("/readyz", rt.readyz)
	get("/assets/*file", asset(http.StripPrefix("/assets/", page.Assets())))
	if rt.o.Metrics != nil {
		get("/metrics", fromHandler(rt.o.Metrics))
	}
}

// handler answers a request, or returns an error and has written nothing.
type handler func(w http.ResponseWriter, r *http.Request, p params) error

func fromHandler(h http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request, _ params) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// handle registers a route.
func (rt *router) handle(method, pattern string, h handler) {
	rt.routes.Handle(method, pattern, func(w http.ResponseWriter, r *http.Request, ps httprouter.Params) {
		rt.answer(w, r, pattern, func(w http.ResponseWriter, r *http.Request) error {
			p, err := readParams(r, ps)
			if err != nil {
				return err
			}
			return h(w, r, p)
		})
	})
}

// fallback answers what matches no route.
func (rt *router) fallback(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.answer(w, r, noRoute, func(http.ResponseWriter, *http.Request) error { return err })
	})
}

// withoutOptions takes OPTIONS, which no route answers, out of the Allow header
// that httprouter has set.
func withoutOptions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := strings.Split(w.Header().Get("Allow"), ", ")
		allowed = slices.DeleteFunc(allowed, func(method string) bool { return method == http.MethodOptions })
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		next.ServeHTTP(w, r)
	})
}

// noRoute stands for the pattern of a request that matches none.
const noRoute = "none"

// answer runs a handler, answers its error, and tells the trace.
func (rt *router) answer(w http.ResponseWriter, r *http.Request, route string, h func(http.ResponseWriter, *http.Request) error) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w}
	err := h(rec, r)
	if err != nil {
		rt.fail(rec, r, err)
	}
	if rt.trace.Answered != nil && (err != nil || !isStream(route)) {
		rt.trace.Answered(route, r.Method, cmp.Or(rec.status, http.StatusOK), time.Since(start))
	}
}

// isStream reports whether the answers of a route last as long as their clients.
func isStream(route string) bool { return strings.HasSuffix(route, "/stream") }

// ServeHTTP implements [http.Handler].
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if err := rt.guard.check(r); err != nil {
		rt.fallback(err).ServeHTTP(w, r)
		return
	}
	switch {
	case r.URL.Path == "":
		rt.answer(w, r, noRoute, toMount)
	case strings.Contains(strings.ToLower(r.URL.EscapedPath()), "%2f"), // decoded, it would look like another route
		strings.Contains(r.URL.Path, "//"): // httprouter would take the empty segment for an id
		rt.fallback(errNoRoute).ServeHTTP(w, r)
	default:
		rt.routes.ServeHTTP(w, r)
	}
}

// toMount redirects from the mount without its slash to the mount.
func toMount(w http.ResponseWriter, r *http.Request) error {
	to := "/" // of a request for http://host, which has no path at all
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil && u.Path != "" {
		to = "./" + path.Base(u.EscapedPath()) + "/" // relative: who is in front may know us by another path
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusMovedPermanently)
	return nil
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.status = cmp.Or(r.status, status)
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.status = cmp.Or(r.status, http.StatusOK)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets [http.ResponseController] through, for flushes and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
