package e2e

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A real browser keeps to the policy of our page, also where a form leads it to the provider.
func TestAPersonSignsInAtTheProviderInABrowser(t *testing.T) {
	before := slog.Default() // which the provider replaces
	t.Cleanup(func() { slog.SetDefault(before) })
	var provider http.Handler
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(h.Close)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := &server{t: t, db: filepath.Join(dir, "jr.db"), flags: []string{
		"-oidc-issuer", h.URL + "/", "-oidc-client-id", "jrweb", "-oidc-client-secret-file", file("secret", "client-secret"),
		"-auth-roles", file("roles", "test-user@zitadel.ch:steer\n"),
	}}
	s.start()
	client := storage.WebClient("jrweb", "client-secret", s.url+"/login/callback")
	store := storage.NewStorageWithClients(storage.NewUserStore(h.URL), map[string]*storage.Client{"jrweb": client})
	provider = exampleop.SetupServer(h.URL+"/", store, slog.New(slog.NewTextHandler(io.Discard, nil)), false, op.WithAllowInsecure())

	page := openTab(t, s.url+"/tasks/t-1")
	page.until(`location.pathname === "/login"`)
	page.run(`document.querySelector('form[action="login/provider"] button').click()`)
	page.until(`document.querySelector('input[name="username"]') !== null`)
	page.run(`document.querySelector('input[name="username"]').value = "test-user@127.0.0.1";
		document.querySelector('input[name="password"]').value = "verysecure";
		document.querySelector('button[type="submit"], input[type="submit"]').click()`)
	page.until(`location.pathname === "/tasks/t-1" && location.host === "` + s.addr + `"`)
}

func TestAPersonSignsInWithATokenAndOutInABrowser(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("ann:steer:token-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, db: filepath.Join(t.TempDir(), "jr.db"), flags: []string{"-token-file", tokens}}
	s.start()
	page := openTab(t, s.url+"/tasks/t-1?session=x")
	page.until(`location.pathname === "/login"`)
	page.run(`document.getElementById("token").value = "wrong-token-0123456789"; document.querySelector("form button").click()`)
	page.until(`document.querySelector(".login-error")?.textContent === "this token is not known"`)
	page.run(`document.getElementById("token").value = "token-0123456789"; document.querySelector("form button").click()`)
	page.until(`location.pathname === "/tasks/t-1"`)
	page.run(`location.href = "/"`)
	page.until(`location.pathname === "/" && document.querySelector(".person a")?.textContent === "ann"`)
	page.run(`document.querySelector(".person a").click()`)
	page.until(`location.pathname === "/login" && document.querySelector('form[action="logout"] button') !== null`)
	page.run(`document.querySelector('form[action="logout"] button').click()`)
	page.until(`location.pathname === "/login" && document.querySelector('form[action="logout"]') === null`)
	page.run(`location.href = "/"`)
	page.until(`location.pathname === "/login"`)
}
