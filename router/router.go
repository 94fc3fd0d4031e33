package router

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/julienschmidt/httprouter"

	"jrweb/eventlog"
	"jrweb/router/page"
	"jrweb/router/price"
	"jrweb/streamer"
)

// Options are the settings of a router. The zero value is good.
type Options struct {
	// AllowedHosts are the names, IP addresses and networks (CIDR) by which clients may
	// call the server, in addition to localhost, *.localhost, 127.0.0.0/8 and [::1]. Any
	// other Host is refused: otherwise any web page could read everything through a DNS
	// name that it controls.
	AllowedHosts []string
	// Origins are the origins of pages elsewhere, such as https://app.example.org, that may
	// read answers and write, as far as their credentials allow (CORS). Cookies do not
	// count as credentials for them.
	Origins []string
	// MaxRequestBytes is the largest size of the body of a request. 0: 32 MiB.
	MaxRequestBytes int64
	// RequestBudget is how many bytes the bodies of all requests together may take. Beyond
	// it the answer is 503, and a slow body loses its room. 0: 256 MiB. It is at least
	// twice MaxRequestBytes.
	RequestBudget int64
	// Authorize decides who may do what. Nil: every client may do everything.
	Authorize Authorize
	// Routes are added to the router's own routes, for example for a way to sign in.
	Routes []Route
	// Prices are used to estimate the cost of tokens when agents report no money. Nil: the
	// built-in table.
	Prices *price.Table
	// Warning returns a text that pages show at their top to people who may see all tasks, or
	// nothing. It is called for each page. Nil: there is never one.
	Warning func() string
	// Lacks returns why the server is not ready although its log commits, or nil. GET /readyz
	// calls it, one call at a time, and tells its error to anybody. Nil: nothing else is needed.
	Lacks func() error
	// Metrics is served at GET /metrics. Nil: the route does not exist.
	Metrics http.Handler
	// Trace has functions that the router calls when something happens.
	Trace *Trace
	// Logger gets what cannot be told to a client, and a line with audit=true for each
	// request to a route that needs RoleAdmin. Nil: silence.
	Logger *slog.Logger
	// Requests gets a line for each request: method, route, path, status, duration, bytes
	// of the answer, and the name of the client. Frequent requests (assets, health,
	// metrics) are at level debug. The line of a stream is written when it begins. Nil: no
	// lines.
	Requests *slog.Logger
}

type router struct {
	log    *eventlog.Log
	stream *streamer.Streamer
	o      Options
	trace  Trace
	guard  *guard
	budget *budget // of the bodies of requests
	// answers is the budget of the answers that wait for their clients.
	answers *budget

	backingUp atomic.Bool
	lacking   chan struct{} // has a value while Lacks is called
	routes    *httprouter.Router
	// registered are the routes, such as "GET /tasks". description says what they do.
	registered  []string
	description json.RawMessage
	// pages are the routes that show a page. Pages elsewhere may link only to these: a link
	// to another route would download something, or run as long as the tab is open.
	pages    map[string]bool
	outlines *outlines
	// searches has a value for each search over all runs that is answered now.
	searches chan struct{}
}

// New returns the handler of a log. Mount it at the root, or under a prefix with
// [http.StripPrefix]. The caller still owns the log and the streamer. Nil options are the
// defaults. New fails if an entry of AllowedHosts or Origins is invalid.
func New(log *eventlog.Log, s *streamer.Streamer, o *Options) (http.Handler, error) {
	rt := &router{log: log, stream: s, pages: map[string]bool{}, searches: make(chan struct{}, mostSearches), lacking: make(chan struct{}, 1)}
	if o != nil {
		rt.o = *o
	}
	rt.o.Prices = cmp.Or(rt.o.Prices, price.Default())
	rt.outlines = &outlines{log: log, prices: rt.o.Prices}
	if s != nil { // without a streamer, only the options are checked
		s.SetHTML(page.Rows{Prices: rt.o.Prices}.AppendEvent)
		s.SetTasks(rt.showTask)
	}
	rt.o.MaxRequestBytes = cmp.Or(rt.o.MaxRequestBytes, 32<<20)
	// Memory grows by doubling: a body of the largest size needs room for twice its size.
	rt.o.RequestBudget = max(cmp.Or(rt.o.RequestBudget, 256<<20), 2*rt.o.MaxRequestBytes)
	if rt.o.Logger == nil {
		rt.o.Logger = slog.New(slog.DiscardHandler)
	}
	if rt.o.Trace != nil {
		rt.trace = *rt.o.Trace
	}
	rt.budget = newBudget(rt.o.RequestBudget, errBusy, rt.trace.Bodies)
	rt.answers = newBudget(answerBudget, errBusyAnswers, nil)
	var err error
	if rt.guard, err = newGuard(rt.o.AllowedHosts, rt.o.Origins); err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	rt.routes = &httprouter.Router{
		// Redirects lose the prefix under which the handler is mounted.
		HandleMethodNotAllowed: true,
		NotFound:               rt.fallback(errNoRoute),
		MethodNotAllowed:       withoutOptions(rt.fallback(errMethod)),
	}
	rt.register()
	if rt.description, err = rt.describe(); err != nil {
		return nil, err
	}
	return rt, nil
}

// Route is an additional route. Its handler is behind the same guards and the same
// Authorize as the router's own.
type Route struct {
	Method, Pattern string
	Role            Role
	// Page says that the route shows a page and does nothing else, so other sites may link
	// to it.
	Page    bool
	Handler http.Handler
}

// register lists every route, with the role that it needs.
func (rt *router) register() {
	get := func(role Role, pattern string, h handler) {
		rt.handle(role, http.MethodGet, pattern, h)
		rt.handle(role, http.MethodHead, pattern, h)
	}
	put := func(role Role, pattern string, h handler) { rt.handle(role, http.MethodPut, pattern, h) }
	post := func(role Role, pattern string, h handler) { rt.handle(role, http.MethodPost, pattern, h) }
	del := func(role Role, pattern string, h handler) { rt.handle(role, http.MethodDelete, pattern, h) }

	for _, pattern := range []string{"/", "/search", "/wall", "/usage", "/tasks/:task"} {
		rt.pages[pattern] = true
	}

	get(RoleRead, "/", rt.listPage)
	get(RoleRead, "/search", rt.searchAll)
	get(RoleRead, "/wall", rt.wallPage)
	get(RoleRead, "/stream", rt.streamTasks)
	get(RoleRead, "/tasks", rt.listTasks)
	get(RoleRead, "/tasks/:task", rt.getTask)
	put(RoleWrite, "/tasks/:task", rt.putTask)
	del(RoleAdmin, "/tasks/:task", rt.deleteTask)
	get(RoleRead, "/tasks/:task/now", rt.getNow)
	get(RoleRead, "/tasks/:task/overview", rt.getOverview)
	get(RoleRead, "/tasks/:task/outcome", rt.getOutcome)
	get(RoleRead, "/tasks/:task/search", rt.searchRun)
	get(RoleRead, "/tasks/:task/events", rt.listEvents)
	post(RoleWrite, "/tasks/:task/events", rt.appendToTask)
	get(RoleRead, "/tasks/:task/events/stream", rt.streamEvents)
	get(RoleRead, "/tasks/:task/sessions", rt.listSessions)
	post(RoleWrite, "/tasks/:task/sessions", rt.startSession)
	get(RoleRead, "/tasks/:task/sessions/:session", rt.getSession)
	del(RoleAdmin, "/tasks/:task/sessions/:session", rt.deleteSession)
	post(RoleWrite, "/tasks/:task/sessions/:session/events", rt.appendToSession)
	post(RoleWrite, "/tasks/:task/sessions/:session/heartbeat", rt.heartbeat)
	post(RoleWrite, "/tasks/:task/sessions/:session/complete", rt.complete)
	get(RoleRead, "/tasks/:task/sessions/:session/blobs/:hash", rt.getBlob)
	post(RoleWrite, "/hooks/claude", rt.claudeHook)
	get(RoleRead, "/usage", rt.getUsage)
	get(RoleAdmin, "/backup", rt.backup)
	get(RoleNone, "/healthz", rt.healthz)
	get(RoleNone, "/readyz", rt.readyz)
	get(RoleNone, "/openapi.json", rt.getOpenAPI)
	get(RoleNone, "/assets/*file", asset(http.StripPrefix("/assets/", page.Assets())))
	if rt.o.Metrics != nil {
		get(RoleRead, "/metrics", fromHandler(rt.o.Metrics))
	}
	for _, r := range rt.o.Routes {
		rt.pages[r.Pattern] = rt.pages[r.Pattern] || r.Page
		if r.Method == http.MethodGet {
			get(r.Role, r.Pattern, fromHandler(r.Handler))
		} else {
			rt.handle(r.Role, r.Method, r.Pattern, fromHandler(r.Handler))
		}
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
func (rt *router) handle(role Role, method, pattern string, h handler) {
	rt.registered = append(rt.registered, method+" "+pattern)
	rt.routes.Handle(method, pattern, func(w http.ResponseWriter, r *http.Request, ps httprouter.Params) {
		rt.answer(w, r, pattern, func(w http.ResponseWriter, r *http.Request) (err error) {
			if !rt.pages[pattern] && isForeignNavigation(r) {
				return errOrigin
			}
			p, wrong := readParams(r, ps)
			if role == RoleAdmin {
				defer func() { rt.audit(r, pattern, w.(*recorder), err) }()
			}
			if p.grant, err = rt.authorize(r, pattern, role, p); err != nil {
				return err
			}
			w.(*recorder).name = p.grant.Name
			if wrong != nil { // reported only to clients that may know
				return wrong
			}
			if p.grant.Until != nil {
				r = streamer.Until(r, p.grant.Until)
			}
			return h(w, r, p)
		})
	})
}

// fallback answers requests that match no route.
func (rt *router) fallback(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.answer(w, r, noRoute, func(http.ResponseWriter, *http.Request) error { return err })
	})
}

// withoutOptions removes OPTIONS from the Allow header that httprouter has set, because no
// route answers it.
func withoutOptions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := strings.Split(w.Header().Get("Allow"), ", ")
		allowed = slices.DeleteFunc(allowed, func(method string) bool { return method == http.MethodOptions })
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		next.ServeHTTP(w, r)
	})
}

// noRoute stands for the pattern of a request that matches no route.
const noRoute = "none"

// answer runs a handler, answers its error, and calls the trace and the log.
func (rt *router) answer(w http.ResponseWriter, r *http.Request, route string, h func(http.ResponseWriter, *http.Request) error) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w, answers: rt.answers}
	defer rec.finish()
	if isStream(route) {
		unlimitBody(w, r)
		rec.begins = func() { rt.logRequest(r, route, rec, start) }
	}
	err := h(rec, r)
	if err != nil {
		rt.fail(rec, r, err)
	}
	if rt.trace.Answered != nil && (err != nil || !isStream(route)) {
		rt.trace.Answered(route, r.Method, cmp.Or(rec.status, http.StatusOK), time.Since(start))
	}
	if !isStream(route) || rec.status == 0 {
		rt.logRequest(r, route, rec, start)
	}
}

// logRequest writes the line of a request. It leaves out queries, because they may contain
// tickets.
func (rt *router) logRequest(r *http.Request, route string, rec *recorder, start time.Time) {
	if rt.o.Requests == nil {
		return
	}
	level := slog.LevelInfo
	if strings.HasPrefix(route, "/assets/") || route == "/healthz" || route == "/readyz" || route == "/metrics" {
		level = slog.LevelDebug // frequent requests that say nothing about a client
	}
	rt.o.Requests.Log(r.Context(), level, "request", "method", clip(r.Method), "route", route, "path", clip(r.URL.Path),
		"status", cmp.Or(rec.status, http.StatusOK), "took", time.Since(start).Round(time.Microsecond), "bytes", rec.bytes, "name", rec.name)
}

// clip cuts a text from a client that may be long, for the log.
func clip(text string) string {
	most := 300
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:most], len(text))
}

// isStream reports whether an answer of the route lasts as long as its client stays.
func isStream(route string) bool { return strings.HasSuffix(route, "/stream") }

// ServeHTTP implements [http.Handler].
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	limitBody(w, r)
	if err := rt.guard.check(r); err != nil {
		rt.fallback(err).ServeHTTP(w, r)
		return
	}
	if len(rt.guard.trusted) > 0 {
		h.Add("Vary", "Origin")
	}
	if rt.guard.trusted[r.Header.Get("Origin")] && allowOrigin(w, r) {
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
	to := "/" // for a request for http://host, which has no path at all
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil && u.Path != "" {
		to = "./" + path.Base(u.EscapedPath()) + "/" // relative, because a proxy may know us by another path
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusMovedPermanently)
	return nil
}
