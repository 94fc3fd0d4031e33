package auth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/router/auth"
)

func TestWhoHasSignedOutStaysOutOverARestart(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	open := func() *server { return serve(t, func(o *auth.Options) { o.KeyFile = key }) }
	s := open()
	signIn := func() string {
		a := s.want(s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`), 200)
		cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
		return "Cookie: " + cookie
	}
	stays, goes, alsoGoes := signIn(), signIn(), signIn()
	for _, cookie := range []string{goes, alsoGoes} {
		s.want(s.do(stranger, "POST", "/logout", "", cookie), 303)
	}
	const file = ".signed-out"
	for i := range 3 { // each start writes the file again
		next := open()
		next.want(next.get("/tasks", stays), 200)
		next.want(next.get("/tasks", goes), 401)
		next.want(next.get("/tasks", alsoGoes), 401)
		info, err := os.Stat(key + file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%+v, %v", info, err)
		}
		text, err := os.ReadFile(key + file)
		if err != nil || strings.Count(string(text), "\n") != 2 || strings.Contains(string(text), strings.TrimPrefix(goes, "Cookie: ")) {
			t.Fatalf("start %d: %q, %v", i, text, err)
		}
	}
	// Expired lines are dropped, and a line that a crash cut off is harmless.
	if err := os.WriteFile(key+file, []byte("old 1700000000\nnew 99999999999\nhalf 17"), 0o600); err != nil {
		t.Fatal(err)
	}
	next := open()
	next.want(next.get("/tasks", goes), 200) // the control: without the file, the cookie is valid
	if text, err := os.ReadFile(key + file); err != nil || string(text) != "new 99999999999\n" {
		t.Errorf("%q, %v", text, err)
	}
}
