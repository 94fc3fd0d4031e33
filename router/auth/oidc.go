package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"jrweb/router"
	"jrweb/router/page"
)

// OIDC names an OpenID Connect provider, and our account there.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	// Domains are the domains of the mail addresses that may sign in; none: all. The
	// provider must have verified the address.
	Domains []string
	// GroupsClaim is the claim that lists a person's groups. "": "groups".
	GroupsClaim string
	// RedirectURL is where the provider sends people back: our /login/callback at the
	// address that browsers use. "": the address in the request.
	RedirectURL string
}

// attemptLife is how long the login at the provider may take.
const attemptLife = 10 * time.Minute

// provider is an OIDC provider. It is contacted when it is first needed, because it may
// start after us.
type provider struct {
	OIDC

	mu     sync.Mutex
	found  *oidc.Provider
	failed time.Time // when the last attempt to find it failed
	err    error     // why
}

func (p *provider) name() string {
	u, err := url.Parse(p.Issuer)
	if err != nil {
		return p.Issuer
	}
	return u.Host
}

func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	asked := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failed.After(asked) { // while this one waited; those who wait must not each wait again
		return nil, p.err
	}
	// The keys are fetched again later, when this request has long ended.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: 10 * time.Second}), p.Issuer)
	if err != nil {
		p.failed, p.err = time.Now(), err
		return nil, err
	}
	p.found = found
	return found, nil
}

// config has what we send to the provider. r is a request to route.
func (p *provider) config(found *oidc.Provider, r *http.Request, route string) *oauth2.Config {
	back := p.RedirectURL
	if back == "" {
		scheme := "http"
		if isSecure(r) {
			scheme = "https"
		}
		back = scheme + "://" + r.Host + mount(r, route) + "login/callback"
	}
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	var offers struct {
		Scopes []string `json:"scopes_supported"`
	}
	if found.Claims(&offers) == nil && slices.Contains(offers.Scopes, "groups") { // other providers refuse scopes that they do not know
		scopes = append(scopes, "groups")
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: back, Scopes: scopes}
}

// attempt is what we store, in a cookie, about a browser that is at the provider.
type attempt struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Redirect string    `json:"redirect"`
	Next     string    `json:"next"`
	Expires  time.Time `json:"exp"`
}

// toProvider sends a browser to the provider.
func (a *Auth) toProvider(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	next := safeNext(r.PostFormValue("next"))
	if !a.limit.allow(peer(r), time.Now()) {
		a.audit(r, "sign-in refused: too many attempts", "")
		w.Header().Set("Retry-After", "60")
		a.showLogin(w, http.StatusTooManyRequests, loginView{Up: "../", Next: next, Error: "too many attempts: wait a minute"})
		return
	}
	found, err := a.oidc.discover(r.Context())
	if err != nil {
		a.o.Logger.Error("the provider cannot be reached", "issuer", a.oidc.Issuer, "error", err)
		a.showLogin(w, http.StatusBadGateway, loginView{Up: "../", Next: next, Error: "the provider cannot be reached: try again later"})
		return
	}
	config := a.oidc.config(found, r, "/login/provider")
	at := attempt{
		State: newID(), Nonce: newID(), Verifier: oauth2.GenerateVerifier(), Redirect: config.RedirectURL,
		Next: next, Expires: time.Now().Add(attemptLife),
	}
	http.SetCookie(w, &http.Cookie{
		Name: a.cookie + "_state", Value: a.sealer.seal(purposeState, at), Path: mount(r, "/login/provider") + "login/", MaxAge: int(attemptLife.Seconds()),
		HttpOnly: true, Secure: isSecure(r), SameSite: http.SameSiteLaxMode,
	})
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.ContentSecurityPolicy)
	h.Set("Cache-Control", "no-store")
	_ = onwardTemplate.Execute(w, onwardView{ // the client may be gone
		To: config.AuthCodeURL(at.State, oidc.Nonce(at.Nonce), oauth2.S256ChallengeOption(at.Verifier)), Provider: a.oidc.name(),
	})
}

// onwardTemplate leads a browser to the provider. A redirect would not: it would answer a
// form, and our policy lets forms go to us alone. Chromium holds their redirects to it too,
// also those of the provider.
var onwardTemplate = template.Must(template.New("onward").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0;url={{.To}}">
<title>Sign in</title>
<link rel="icon" href="../assets/icon.svg">
<link rel="stylesheet" href="../assets/app.css">
</head>
<body class="login-page">
<main id="main" class="login">
<h1>Sign in</h1>
<p><a href="{{.To}}">Go on to {{.Provider}}</a></p>
</main>
</body>
</html>
`))

type onwardView struct{ To, Provider string }

// fromProvider handles a browser that comes back from the provider.
func (a *Auth) fromProvider(w http.ResponseWriter, r *http.Request) {
	if !a.back.allow(peer(r), time.Now()) {
		a.audit(r, "sign-in refused: too many attempts", "")
		w.Header().Set("Retry-After", "60")
		a.showLogin(w, http.StatusTooManyRequests, loginView{Up: "../", Error: "too many attempts: wait a minute"})
		return
	}
	name, groups, next, err := a.person(r)
	if err == nil && a.roles.get().of(name, groups) == router.RoleNone {
		err = fmt.Errorf("%s has no role here", name)
	}
	if err != nil {
		a.audit(r, "sign-in failed: "+err.Error(), name)
		a.showLogin(w, http.StatusForbidden, loginView{Up: "../", Error: "signing in failed: " + err.Error()})
		return
	}
	a.audit(r, "signed in", name)
	known := a.roles.get()
	groups = slices.DeleteFunc(groups, func(group string) bool { return known["@"+group] == router.RoleNone }) // a cookie has little room
	a.signIn(w, r, "/login/callback", cookieBody{Name: name, Groups: groups})
	http.SetCookie(w, &http.Cookie{Name: a.cookie + "_state", Path: mount(r, "/login/callback") + "login/", MaxAge: -1})
	redirect(w, "../"+next)
}

// person returns the person whom the provider names. Its errors contain no secrets.
func (a *Auth) person(r *http.Request) (name string, groups []string, next string, err error) {
	var at attempt
	cookie, err := r.Cookie(a.cookie + "_state")
	query := r.URL.Query()
	switch {
	case err != nil || !a.sealer.open(purposeState, cookie.Value, &at) || time.Now().After(at.Expires) || query.Get("state") != at.State:
		return "", nil, "", errors.New("it took too long, or was begun in another browser: try again")
	case query.Get("error") != "":
		return "", nil, "", fmt.Errorf("the provider says %.100q", query.Get("error"))
	}
	found, err := a.oidc.discover(r.Context())
	if err != nil {
		return "", nil, "", errors.New("the provider cannot be reached")
	}
	config := a.oidc.config(found, r, "/login/callback")
	config.RedirectURL = at.Redirect
	ctx := oidc.ClientContext(r.Context(), &http.Client{Timeout: 10 * time.Second})
	tokens, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(at.Verifier))
	if err != nil {
		return "", nil, "", errors.New("the provider did not take the code")
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: a.oidc.ClientID}).Verify(ctx, raw)
	if err != nil || id.Nonce != at.Nonce {
		return "", nil, "", errors.New("what the provider says cannot be verified")
	}
	name, groups, err = a.oidc.claims(ctx, found, id, tokens)
	return name, groups, at.Next, err
}

// claims reads the name and groups of the person. Some providers give more in the user info
// than in the token.
func (p *provider) claims(ctx context.Context, found *oidc.Provider, id *oidc.IDToken, tokens *oauth2.Token) (name string, groups []string, err error) {
	all := map[string]any{}
	if info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(tokens)); err == nil && info.Subject == id.Subject {
		_ = info.Claims(&all) // a claim that cannot be read does not count
	}
	if err := id.Claims(&all); err != nil {
		return "", nil, errors.New("what the provider says cannot be read")
	}
	mail, _ := all["email"].(string)
	if verified, told := all["email_verified"].(bool); !told || !verified {
		mail = ""
	}
	_, domain, _ := strings.Cut(mail, "@")
	if len(p.Domains) > 0 && !slices.ContainsFunc(p.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
		return "", nil, errors.New("the mail address is of no domain that may come in, or not verified")
	}
	user, _ := all["preferred_username"].(string)
	if strings.Contains(user, "@") {
		user = "" // people may choose it, and must not pass for the address of somebody else
	}
	name = cmp.Or(mail, user, id.Subject)
	list, _ := all[cmp.Or(p.GroupsClaim, "groups")].([]any)
	for _, one := range list {
		if group, ok := one.(string); ok && len(groups) < 200 {
			groups = append(groups, group)
		}
	}
	return name, groups, nil
}
