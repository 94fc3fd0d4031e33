package auth_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"jrweb/router/auth"
)

// groups is a store of the provider that knows the groups of people.
type groups struct {
	*storage.Storage
	of map[string][]string // by subject
}

// SetUserinfoFromToken implements [op.Storage].
func (g groups) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := g.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	info.AppendClaims("groups", g.of[subject])
	return nil
}

// provide runs a provider, whose people are test-user and test-user2, both with mail
// addresses at zitadel.ch, and serves a log that trusts it.
func provide(t *testing.T, change func(*auth.Options)) *server {
	t.Helper()
	return provideTo(t, change, func(*storage.User) {})
}

// provideTo is provide with another test-user2.
func provideTo(t *testing.T, change func(*auth.Options), user func(*storage.User)) *server {
	t.Helper()
	before := slog.Default() // which the provider replaces
	t.Cleanup(func() { slog.SetDefault(before) })
	var provider http.Handler
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(h.Close)
	s := serve(t, func(o *auth.Options) {
		o.OIDC = &auth.OIDC{Issuer: h.URL + "/", ClientID: "jrweb", ClientSecret: "client-secret"}
		if change != nil {
			change(o)
		}
	})
	people := storage.NewUserStore(h.URL)
	user(people.GetUserByID("id2"))
	client := storage.WebClient("jrweb", "client-secret", s.url+"/login/callback")
	store := groups{storage.NewStorageWithClients(people, map[string]*storage.Client{"jrweb": client}), map[string][]string{"id2": {"crew", "unknown"}}}
	provider = exampleop.SetupServer(h.URL+"/", store, slog.New(slog.NewTextHandler(io.Discard, nil)), false, op.WithAllowInsecure())
	return s
}

// onward begins to sign in, and returns the address where our answer leads.
func (s *server) onward(b *http.Client, next string) string {
	s.Helper()
	a := s.want(s.do(b, "POST", "/login/provider", form("next", next), formType), 200)
	to := regexp.MustCompile(`<a href="([^"]*)"`).FindStringSubmatch(a.body)
	if to == nil {
		s.Fatalf("it leads nowhere: %s", a.body)
	}
	if !strings.Contains(a.body, `<meta http-equiv="refresh" content="0;url=`+to[1]+`">`) {
		s.Errorf("it does not lead there by itself: %s", a.body)
	}
	return html.UnescapeString(to[1])
}

var authRequest = regexp.MustCompile(`name="id" value="([^"]*)"`)

// signIn does what a person does: from our page to the provider's, and back.
func (s *server) signIn(b *http.Client, user, next string) answer {
	s.Helper()
	a := s.do(b, "GET", s.onward(b, next), "")
	id := authRequest.FindStringSubmatch(a.body)
	if id == nil {
		s.Fatalf("the provider shows %s: %s", a.Request.URL, a.body)
	}
	return s.do(b, "POST", a.Request.URL.Scheme+"://"+a.Request.URL.Host+"/login/username",
		form("username", user, "password", "verysecure", "id", html.UnescapeString(id[1])), formType)
}

func TestPeopleSignInAtTheProvider(t *testing.T) {
	s := provide(t, nil)
	s.write(s.roles, "test-user@zitadel.ch:steer\n@crew:read\n")
	s.auth.Reload()
	b := browser(t)
	a := s.want(s.do(b, "GET", "/tasks/t-1", "", wantsHTML), 200)
	if !strings.Contains(a.body, "Sign in with 127.0.0.1") {
		t.Errorf("the page is %s", a.body)
	}
	a = s.want(s.signIn(b, "test-user@127.0.0.1", "tasks/t-1"), 200)
	if a.Request.URL.Path != "/jr/tasks/t-1" {
		t.Errorf("it goes on at %s", a.Request.URL)
	}
	s.want(s.do(b, "POST", "/tasks/t-1/share", ""), 201)
	s.want(s.do(b, "DELETE", "/tasks/t-2", ""), 403)
	if !strings.Contains(s.said.String(), `msg="signed in" audit=true name=test-user@zitadel.ch`) {
		t.Errorf("the log: %s", s.said)
	}
	crew := browser(t)
	s.want(s.signIn(crew, "test-user2", ""), 200)
	s.want(s.do(crew, "GET", "/tasks", ""), 200)
	s.want(s.do(crew, "POST", "/tasks/t-1/share", ""), 403)
	// A person who loses the role is out, without a new login.
	s.write(s.roles, "test-user@zitadel.ch:steer\n")
	s.auth.Reload()
	s.want(s.do(crew, "GET", "/tasks", ""), 401)
	s.want(s.do(b, "GET", "/tasks", ""), 200)
}

func TestWhoHasNoRoleOrNoDomainStaysOut(t *testing.T) {
	s := provide(t, nil)
	a := s.want(s.signIn(browser(t), "test-user2", ""), 200) // the group crew may read
	if a.Request.URL.Path != "/jr/" {
		t.Errorf("it goes on at %s", a.Request.URL)
	}
	b := browser(t)
	a = s.want(s.signIn(b, "test-user@127.0.0.1", ""), 403)
	if !strings.Contains(a.body, "has no role here") {
		t.Errorf("%s", a.body)
	}
	s.want(s.do(b, "GET", "/tasks", ""), 401)

	s = provide(t, func(o *auth.Options) { o.OIDC.Domains = []string{"example.org"} })
	a = s.want(s.signIn(browser(t), "test-user2", ""), 403)
	if !strings.Contains(a.body, "of no domain that may come in") {
		t.Errorf("%s", a.body)
	}
}

// A login at the provider counts only for the browser that began it, and once.
func TestNobodyIsSignedInByALinkOfSomebodyElse(t *testing.T) {
	s := provide(t, nil)
	for _, query := range []string{"", "?code=x&state=y", "?error=access_denied&state=y"} {
		s.want(s.get("/login/callback"+query), 403)
	}
	b := browser(t)
	state := regexp.MustCompile(`state=([^&]*)`).FindStringSubmatch(s.onward(b, ""))[1]
	s.want(s.do(browser(t), "GET", "/login/callback?code=x&state="+state, ""), 403) // another browser
	a := s.want(s.do(b, "GET", "/login/callback?code=x&state="+state, ""), 403)
	if !strings.Contains(a.body, "did not take the code") {
		t.Errorf("%s", a.body)
	}
}

// A person who has begun to sign in could otherwise make us ask the provider without end.
func TestTheWayBackFromTheProviderIsLimited(t *testing.T) {
	s := provide(t, nil)
	b := browser(t)
	state := regexp.MustCompile(`state=([^&]*)`).FindStringSubmatch(s.onward(b, ""))[1]
	for i := range 12 {
		a := s.do(b, "GET", "/login/callback?code=x&state="+state, "")
		if want := map[bool]int{true: 403, false: 429}[i < 10]; a.StatusCode != want {
			t.Fatalf("attempt %d is answered %d", i+1, a.StatusCode)
		}
	}
	s.want(s.do(stranger, "POST", "/login/provider", form("next", ""), formType), 200) // to begin is another matter
}

// At many providers people choose their user name. It must not pass for the mail address of
// somebody else.
func TestAUserNameIsNoMailAddress(t *testing.T) {
	for _, c := range []struct {
		name  string
		user  func(*storage.User)
		admin bool
	}{
		{"a verified address", func(u *storage.User) { u.Email, u.EmailVerified = "boss@example.org", true }, true},
		{"an address that is not verified", func(u *storage.User) { u.Email, u.EmailVerified = "boss@example.org", false }, false},
		{"a user name that looks like one", func(u *storage.User) { u.Email, u.EmailVerified, u.Username = "", false, "boss@example.org" }, false},
		{"a user name", func(u *storage.User) { u.Email, u.EmailVerified, u.Username = "", false, "boss" }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			login := ""
			s := provideTo(t, nil, func(u *storage.User) {
				c.user(u)
				login = u.Username
			})
			s.write(s.roles, "boss@example.org:admin\nboss:admin\n")
			s.auth.Reload()
			b := browser(t)
			s.want(s.signIn(b, login, ""), map[bool]int{true: 200, false: 403}[c.admin])
			s.want(s.do(b, "DELETE", "/tasks/t-1", ""), map[bool]int{true: 204, false: 401}[c.admin])
		})
	}
}

func TestAProviderThatIsAwayIsToldOf(t *testing.T) {
	s := serve(t, func(o *auth.Options) {
		o.OIDC = &auth.OIDC{Issuer: "http://127.0.0.1:1/", ClientID: "jrweb", ClientSecret: "client-secret"}
	})
	begin := time.Now()
	a := s.want(s.do(stranger, "POST", "/login/provider", form("next", "tasks/t-1"), formType), 502)
	if !strings.Contains(a.body, "cannot be reached") || time.Since(begin) > 15*time.Second {
		t.Errorf("%s", a.body)
	}
	s.want(s.get("/tasks", bearer(readToken)), 200) // tokens still work
	if strings.Contains(s.said.String(), "client-secret") {
		t.Errorf("the log: %s", s.said)
	}
}
