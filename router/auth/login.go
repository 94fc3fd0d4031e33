package auth

import (
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"jrweb/router"
	"jrweb/router/page"
)

// cookieLife is how long a browser stays signed in.
const cookieLife = 30 * 24 * time.Hour

// mostForm is the largest size, in bytes, of a request to sign in.
const mostForm = 16 << 10

// Routes are the routes of login and logout, and of links to share.
func (a *Auth) Routes() []router.Route {
	routes := []router.Route{
		{Method: http.MethodGet, Pattern: "/login", Page: true, Handler: http.HandlerFunc(a.loginPage)},
		{Method: http.MethodPost, Pattern: "/login", Handler: http.HandlerFunc(a.login)},
		{Method: http.MethodPost, Pattern: "/logout", Handler: http.HandlerFunc(a.logout)},
		{Method: http.MethodPost, Pattern: "/tasks/:task/share", Role: router.RoleSteer, Handler: http.HandlerFunc(a.share)},
	}
	if a.oidc != nil {
		routes = append(routes,
			router.Route{Method: http.MethodPost, Pattern: "/login/provider", Handler: http.HandlerFunc(a.toProvider)},
			router.Route{Method: http.MethodGet, Pattern: "/login/callback", Page: true, Handler: http.HandlerFunc(a.fromProvider)})
	}
	return routes
}

// Its referrer policy is not that of the other pages, no-referrer: with that, browsers send
// Origin: null with a form, which is refused.
var loginTemplate = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="same-origin">
<title>Sign in</title>
<link rel="icon" href="{{.Up}}assets/icon.svg">
<link rel="stylesheet" href="{{.Up}}assets/app.css">
</head>
<body class="login-page">
<main id="main" class="login">
<h1>Sign in</h1>
{{with .Error}}<p class="login-error" role="alert">{{.}}</p>{{end}}
{{with .Name}}<form method="post" action="{{$.Up}}logout">
<p>You are signed in as {{.}}.</p>
<button class="button" type="submit">Sign out</button>
</form>{{end}}
{{if .Provider}}<form method="post" action="{{.Up}}login/provider">
<input type="hidden" name="next" value="{{.Next}}">
<button class="button" type="submit">Sign in with {{.Provider}}</button>
</form>{{end}}
{{if .Tokens}}<form method="post" action="{{.Up}}login">
<input type="hidden" name="next" value="{{.Next}}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button class="button" type="submit">Sign in</button>
</form>{{end}}
</main>
</body>
</html>
`))

// loginView is the content of the login page.
type loginView struct {
	Up       string // to the mount, such as "../"
	Next     string
	Error    string
	Name     string // who is signed in, "" for nobody
	Provider string // "": none
	Tokens   bool
}

func (a *Auth) loginPage(w http.ResponseWriter, r *http.Request) {
	view := loginView{Next: safeNext(r.URL.Query().Get("next"))}
	for _, cookie := range r.CookiesNamed(a.cookie) {
		if who, ok := a.byCookie(cookie.Value); ok {
			view.Name = who.name
		}
	}
	a.showLogin(w, http.StatusOK, view)
}

func (a *Auth) showLogin(w http.ResponseWriter, status int, view loginView) {
	view.Tokens = a.o.TokenFile != ""
	if a.oidc != nil {
		view.Provider = a.oidc.name()
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.ContentSecurityPolicy)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = loginTemplate.Execute(w, view) // the client may be gone
}

var nextPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*(\?[A-Za-z0-9._=&:%-]*)?$`)

// safeNext returns where to continue after the login: a path below the mount, or the mount.
func safeNext(next string) string {
	if len(next) > 1024 || !nextPattern.MatchString(next) || strings.Contains(next, "//") || strings.Contains(next, "..") {
		return ""
	}
	return next
}

// login gives a cookie for a token, from a form or as JSON.
func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Token, Next string }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostForm))
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isForm := kind == "application/x-www-form-urlencoded"
	if err == nil && isForm {
		var form url.Values
		form, err = url.ParseQuery(string(body))
		asked.Token, asked.Next = form.Get("token"), form.Get("next")
	} else if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil {
		status, detail := http.StatusBadRequest, "send the token as a form, or as JSON"
		if isTooLarge(err) {
			status, detail = http.StatusRequestEntityTooLarge, "what is sent has 16 KiB at most"
		}
		a.refuse(w, isForm, status, "", detail)
		return
	}
	next := safeNext(asked.Next)
	if !a.limit.allow(peer(r), time.Now()) {
		a.audit(r, "sign-in refused: too many attempts", "")
		a.refuse(w, isForm, http.StatusTooManyRequests, next, "too many attempts: wait a minute")
		return
	}
	t, ok := find(a.tokens.get(), asked.Token)
	if !ok {
		a.audit(r, "sign-in failed", "")
		a.refuse(w, isForm, http.StatusUnauthorized, next, "this token is not known")
		return
	}
	a.audit(r, "signed in", t.name)
	a.signIn(w, r, "/login", cookieBody{Token: t.hash[:]})
	if isForm {
		redirect(w, "./"+next)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"name": t.name, "role": t.role.String()}) // the client may be gone
}

func isTooLarge(err error) bool {
	_, large := errors.AsType[*http.MaxBytesError](err)
	return large
}

func (a *Auth) refuse(w http.ResponseWriter, isForm bool, status int, next, detail string) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60")
	}
	if isForm {
		a.showLogin(w, status, loginView{Next: next, Error: detail})
		return
	}
	problem(w, status, detail)
}

// signIn sets the cookie. route is the path of the request below the mount.
func (a *Auth) signIn(w http.ResponseWriter, r *http.Request, route string, c cookieBody) {
	c.ID, c.Expires = newID(), time.Now().Add(cookieLife).UTC().Truncate(time.Second)
	http.SetCookie(w, &http.Cookie{
		Name: a.cookie, Value: a.sealer.seal(purposeCookie, c), Path: mount(r, route), Expires: c.Expires,
		HttpOnly: true, Secure: isSecure(r), SameSite: http.SameSiteLaxMode,
	})
}

// mount is the path where the handler is mounted, with its slash.
func mount(r *http.Request, route string) string {
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return "/"
	}
	return strings.TrimSuffix(u.EscapedPath(), route) + "/"
}

// logout ends the cookie and the streams that it opened.
func (a *Auth) logout(w http.ResponseWriter, r *http.Request) {
	for _, cookie := range r.CookiesNamed(a.cookie) {
		var c cookieBody
		if a.sealer.open(purposeCookie, cookie.Value, &c) && a.cookieHolds(&c) {
			if err := a.out.add(c.ID, c.Expires); err != nil {
				a.o.Logger.Error("somebody has signed out, but not for longer than this process lives", "error", err)
			}
			who, _ := a.behind(&c)
			a.audit(r, "signed out", who.name)
		}
	}
	a.lives.check()
	http.SetCookie(w, &http.Cookie{Name: a.cookie, Path: mount(r, "/logout"), MaxAge: -1, HttpOnly: true, Secure: isSecure(r), SameSite: http.SameSiteLaxMode})
	redirect(w, "login")
}

// redirect answers a form: the browser continues with a GET. The target is relative,
// because a proxy may know us by another path.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// audit logs that someone has signed in or out.
func (a *Auth) audit(r *http.Request, what, name string) {
	a.o.Logger.Info(what, "audit", true, "name", name, "address", peer(r).String())
}

// problem answers with an error in the form of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client may be gone
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}
