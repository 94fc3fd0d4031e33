package auth_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router"
	"jrweb/router/auth"
)

func TestATokenOpensWhatItsRoleMayDo(t *testing.T) {
	s := serve(t, nil)
	for token, statuses := range map[string][3]int{
		"": {401, 401, 401}, "wrong-token-0123456789": {401, 401, 401}, readToken + "x": {401, 401, 401},
		readToken: {200, 403, 403}, writeToken: {200, 200, 403}, steerToken: {200, 200, 403}, adminToken: {200, 200, 204},
	} {
		s.want(s.get("/tasks", bearer(token)), statuses[0])
		if _, _, err := s.log.PutTask(t.Context(), "t-3", eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
		s.want(s.do(stranger, "POST", "/tasks/t-1/events", `{"type":"thought","data":{"content":"x"}}`, bearer(token)), statuses[1])
		s.want(s.do(stranger, "DELETE", "/tasks/t-3", "", bearer(token)), statuses[2])
	}
	for _, header := range []string{"Authorization: Basic " + adminToken, "Authorization: " + adminToken, "Authorization: Bearer", "Cookie: jrweb=" + adminToken} {
		s.want(s.get("/tasks", header), 401)
	}
	s.want(s.get("/healthz"), 200)
}

func TestAFileOfTokensSaysWhatIsWrongWithoutSayingTheSecret(t *testing.T) {
	const secret = "s3cr3t-0123456789abcdef"
	for name, text := range map[string]string{
		"line 1: a line is": secret, "line 2: the role": "a:read:" + readToken + "\nb:chief:" + secret,
		"line 1: the name": "a b:read:" + secret, "line 1: the token must": "a:read:short",
		"line 1: behind sha256:": "a:read:sha256:" + secret, "line 2: the token is that of line 1": "a:read:" + secret + "\nb:admin:" + secret,
	} {
		path := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := auth.Open(auth.Options{TokenFile: path, KeyFile: path + ".key"})
		if err == nil {
			a.Close()
		}
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A file that cannot be read changes nothing, and is reported once, however long it lasts.
func TestAFileThatCannotBeReadIsToldOfOnce(t *testing.T) {
	s := serve(t, nil)
	told := func(want int) {
		t.Helper()
		for range 3 {
			s.auth.Reload()
		}
		s.want(s.get("/tasks", bearer(readToken)), 200)
		if n := strings.Count(s.said.String(), "a file of tokens cannot be read"); n != want {
			t.Errorf("it is told %d times, not %d: %s", n, want, s.said)
		}
	}
	told(0)
	if err := os.Remove(s.tokens); err != nil {
		t.Fatal(err)
	}
	told(1)
	s.write(s.tokens, "nonsense")
	told(2)
	s.write(s.tokens, allTokens)
	told(2)
	if err := os.Remove(s.tokens); err != nil {
		t.Fatal(err)
	}
	told(3)
}

func TestATokenMayStandInTheFileAsItsHash(t *testing.T) {
	secret, line, err := auth.NewToken("ci", router.RoleWrite)
	if err != nil || strings.Contains(line, secret) || !strings.HasPrefix(line, "ci:write:sha256:") {
		t.Fatalf("%q, %v", line, err)
	}
	s := serve(t, func(o *auth.Options) {
		if err := os.WriteFile(o.TokenFile, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	s.want(s.get("/tasks", bearer(secret)), 200)
	s.want(s.get("/tasks", bearer(line[len("ci:write:"):])), 401)
	if _, _, err := auth.NewToken("a b", router.RoleRead); err == nil {
		t.Error("a name with a space is taken")
	}
}

func TestABrowserSignsInAndOut(t *testing.T) {
	s := serve(t, nil)
	b := browser(t)
	// A page that may not be seen leads to the login page, and back.
	a := s.want(s.do(b, "GET", "/tasks/t-1?session=", "", wantsHTML), 200)
	if a.Request.URL.Path != "/jr/login" || a.Request.URL.Query().Get("next") != "tasks/t-1?session=" || !strings.Contains(a.body, `name="token"`) {
		t.Fatalf("%s: %s", a.Request.URL, a.body)
	}
	a = s.want(s.do(b, "POST", "/login", form("token", "wrong-token-0123456789", "next", "tasks/t-1"), formType), 401)
	if !strings.Contains(a.body, "not known") || !strings.Contains(a.body, `value="tasks/t-1"`) {
		t.Errorf("%s", a.body)
	}
	a = s.want(s.do(b, "POST", "/login", form("token", steerToken, "next", "tasks/t-1"), formType, wantsHTML), 200)
	if a.Request.URL.Path != "/jr/tasks/t-1" {
		t.Errorf("it goes on at %s", a.Request.URL)
	}
	s.want(s.do(b, "GET", "/tasks", ""), 200)
	s.want(s.do(b, "DELETE", "/tasks/t-2", ""), 403)
	// The cookie belongs to the browser alone, and contains no secret.
	a = s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`)
	cookie := a.Header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/jr/;"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie is %s", cookie)
		}
	}
	if strings.Contains(cookie, readToken) || strings.Contains(cookie, "Secure") || strings.TrimSpace(a.body) != `{"name":"vi","role":"read"}` {
		t.Errorf("%s, %s", cookie, a.body)
	}
	if a = s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`, "Origin: https://"+strings.TrimPrefix(s.url, "http://")[:len(strings.TrimPrefix(s.url, "http://"))-len("/jr")]); !strings.Contains(a.Header.Get("Set-Cookie"), "Secure") {
		t.Errorf("over TLS the cookie is %s", a.Header.Get("Set-Cookie"))
	}
	value, _, _ := strings.Cut(cookie, ";")
	s.want(s.get("/tasks", "Cookie: "+value), 200)
	s.want(s.get("/tasks", "Cookie: "+value+"x"), 401)
	s.want(s.do(stranger, "POST", "/logout", "", "Cookie: "+value), 303)
	s.want(s.get("/tasks", "Cookie: "+value), 401) // even for a client that kept the cookie
	s.want(s.do(b, "GET", "/tasks", ""), 200)
	s.do(b, "POST", "/logout", "")
	s.want(s.do(b, "GET", "/tasks", ""), 401)
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	for _, next := range []string{"//evil.com", "https://evil.com", "/etc", "..", "../x", "tasks/../../x", "javascript:alert(1)", "\\evil.com", "a//b", "a b", "tasks/t-1\r\nX: y", strings.Repeat("a", 2000)} {
		s := serve(t, nil) // the attempts of one address are limited
		a := s.want(s.do(stranger, "POST", "/login", form("token", readToken, "next", next), formType), 303)
		if at := a.Header.Get("Location"); at != "./" {
			t.Errorf("%q leads to %q", next, at)
		}
	}
}

func TestAttemptsToSignInAreLimited(t *testing.T) {
	s := serve(t, nil)
	for i := range 12 {
		a := s.do(stranger, "POST", "/login", `{"token":"wrong-token-0123456789"}`)
		if want := map[bool]int{true: 401, false: 429}[i < 10]; a.StatusCode != want {
			t.Fatalf("attempt %d is answered %d", i+1, a.StatusCode)
		}
	}
	s.want(s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`), 429) // whatever the token
	s.want(s.get("/tasks", bearer(readToken)), 200)
}

func TestWhatSignsInHasALimit(t *testing.T) {
	s := serve(t, nil)
	const limit = 16 << 10
	pad := func(text, end string, size int) string {
		return text + strings.Repeat("x", size-len(text)-len(end)) + end
	}
	for _, c := range []struct {
		name, path, text, end string
		headers               []string
		fits                  int // the answer to a request that is allowed
	}{
		{"form", "/login", "token=", "", []string{formType}, 401},
		{"JSON", "/login", `{"token":"`, `"}`, nil, 401},
		{"no kind", "/login", `{"next":"`, `"}`, []string{"Content-Type: text/plain"}, 401},
		{"share", "/tasks/t-1/share", `{"x":"`, `"}`, []string{bearer(steerToken)}, 201},
	} {
		a := s.want(s.do(stranger, "POST", c.path, pad(c.text, c.end, limit), c.headers...), c.fits)
		b := s.want(s.do(stranger, "POST", c.path, pad(c.text, c.end, limit+1), c.headers...), 413)
		if c.name == "form" && !strings.Contains(b.body, `name="token"`) || !strings.Contains(b.body, "16 KiB") || strings.Contains(a.body, "16 KiB") {
			t.Errorf("%s: %s", c.name, b.body)
		}
	}
}

func TestALinkOpensOneTaskToRead(t *testing.T) {
	s := serve(t, nil)
	s.want(s.do(stranger, "POST", "/tasks/t-1/share", "", bearer(writeToken)), 403)
	var link struct{ Path, Ticket, Expires string }
	a := s.want(s.do(stranger, "POST", "/tasks/t-1/share", `{"expires_seconds":60}`, bearer(steerToken)), 201)
	if err := json.Unmarshal([]byte(a.body), &link); err != nil {
		t.Fatal(err)
	}
	ticket := "ticket=" + link.Ticket
	for path, status := range map[string]int{
		"/tasks/t-1?" + ticket: 200, "/tasks/t-1/events?limit=1&" + ticket: 200, "/tasks/t-1/sessions?" + ticket: 200,
		"/tasks/t-2?" + ticket: 403, "/tasks?" + ticket: 403, "/?" + ticket: 403, "/stream?" + ticket: 403, "/backup?" + ticket: 403, "/metrics?" + ticket: 403,
		"/tasks/nothing?" + ticket: 403, "/tasks/t-1?ticket=x": 401, "/tasks/t-1?" + ticket + "x": 401,
	} {
		s.want(s.get(path), status)
	}
	for _, method := range []string{"DELETE", "PUT"} {
		s.want(s.do(stranger, method, "/tasks/t-1?"+ticket, ""), 403)
	}
	s.want(s.do(stranger, "POST", "/tasks/t-1/events?"+ticket, `{"type":"thought","data":{"content":"x"}}`), 403)
	s.want(s.do(stranger, "POST", "/tasks/t-1/share?"+ticket, ""), 403)
	// In a browser the ticket is removed from the address, and the page's requests send a
	// cookie.
	b := browser(t)
	a = s.want(s.do(b, "GET", "/"+link.Path, "", wantsHTML), 200)
	if a.Request.URL.Path != "/jr/tasks/t-1" || a.Request.URL.RawQuery != "" {
		t.Errorf("the address is %s", a.Request.URL)
	}
	s.want(s.do(b, "GET", "/tasks/t-1/events", ""), 200)
	s.want(s.do(b, "GET", "/tasks/t-2", ""), 401)
	s.want(s.do(b, "GET", "/tasks", ""), 401)
	for _, body := range []string{`{"expires_seconds":0}`, `{"expires_seconds":1e12}`, `{"expires_seconds":"1"}`, `[]`, `{`} {
		s.want(s.do(stranger, "POST", "/tasks/t-1/share", body, bearer(adminToken)), 422)
	}
}

func TestAHeaderOfAProxyCountsFromTheProxyAlone(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		s := serve(t, func(o *auth.Options) {
			o.ProxyHeader, o.GroupsHeader = "Remote-User", "Remote-Groups"
			if trusted {
				o.Proxies = loopback
			}
		})
		good := map[bool]int{true: 200, false: 401}[trusted]
		s.want(s.get("/tasks", "Remote-User: ann@example.org"), good)
		s.want(s.get("/tasks", "Remote-User: bob@example.org", "Remote-Groups: staff, crew"), good)
		s.want(s.get("/tasks", "Remote-User: bob@example.org", "Remote-Groups: staff"), 401)
		s.want(s.get("/tasks", "Remote-User: @crew"), 401)
		s.want(s.do(stranger, "POST", "/tasks/t-1/events", `{"type":"thought","data":{"content":"x"}}`, "Remote-User: bob@example.org", "Remote-Groups: crew"),
			map[bool]int{true: 403, false: 401}[trusted])
	}
}

// A person who may no longer share has no links either.
func TestALinkEndsWithTheRoleOfWhoMadeIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		makes []string        // the headers of who makes it
		gone  func(s *server) // takes the role away
		again func(s *server) // gives it back
	}{
		{"a token", []string{bearer(steerToken)},
			func(s *server) { s.write(s.tokens, "ann:write:"+steerToken+"\nroot:admin:"+adminToken+"\n") },
			func(s *server) { s.write(s.tokens, allTokens) }},
		{"a person", []string{"Remote-User: eve@example.org"},
			func(s *server) { s.write(s.roles, "eve@example.org:read\n") },
			func(s *server) { s.write(s.roles, "eve@example.org:steer\n") }},
		{"a group", []string{"Remote-User: bob@example.org", "Remote-Groups: staff, leads"},
			func(s *server) { s.write(s.roles, "@staff:read\n") },
			func(s *server) { s.write(s.roles, "@staff:read\n@leads:admin\n") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(o *auth.Options) {
				o.ProxyHeader, o.GroupsHeader, o.Proxies = "Remote-User", "Remote-Groups", loopback
			})
			s.write(s.roles, "eve@example.org:steer\n@staff:read\n@leads:steer\n")
			s.auth.Reload()
			var link struct{ Ticket string }
			if err := json.Unmarshal([]byte(s.want(s.do(stranger, "POST", "/tasks/t-1/share", "", c.makes...), 201).body), &link); err != nil {
				t.Fatal(err)
			}
			path := "/tasks/t-1/events?ticket=" + link.Ticket
			s.want(s.get(path), 200)
			open := s.streamOf("/tasks/t-1/events/stream?ticket=" + link.Ticket)
			c.gone(s)
			s.auth.Reload()
			wantEnd(t, open)
			s.want(s.get(path), 401)
			c.again(s)
			s.auth.Reload()
			s.want(s.get(path), 200)
		})
	}
}

// Behind a proxy all clients come from one address. What the proxy says of theirs counts for
// the limit of attempts and the log, and nobody can say another.
func TestTheAddressOfAClientIsWhatTrustedProxiesSay(t *testing.T) {
	try := func(s *server, headers ...string) answer {
		return s.do(stranger, "POST", "/login", `{"token":"wrong-token-0123456789"}`, headers...)
	}
	const own = "203.0.113.1"
	for _, c := range []struct {
		name    string
		spelled func(i int) []string // of one client
	}{
		{"as it is", func(int) []string { return []string{"X-Forwarded-For: " + own} }},
		{"behind two proxies", func(int) []string { return []string{"X-Forwarded-For: " + own + ", 127.0.0.9"} }},
		{"with an invention", func(i int) []string { return []string{fmt.Sprintf("X-Forwarded-For: 198.51.100.%d, %s", i, own)} }},
		{"with an invented line", func(i int) []string {
			return []string{fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", i), "X-Forwarded-For: " + own}
		}},
		{"with its port", func(i int) []string { return []string{fmt.Sprintf("X-Forwarded-For: %s:%d", own, 1000+i)} }},
		{"with an invented one that is trusted", func(i int) []string {
			return []string{fmt.Sprintf("X-Forwarded-For: 198.51.100.%d, x, %s", i, own)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(o *auth.Options) { o.TrustedProxies = loopback })
			for i := range 10 {
				s.want(try(s, c.spelled(i)...), 401)
			}
			s.want(try(s, c.spelled(10)...), 429)
			s.want(try(s, "X-Forwarded-For: 203.0.113.2"), 401) // another client
			if !strings.Contains(s.said.String(), `msg="sign-in failed" audit=true name="" address=`+own+"\n") {
				t.Errorf("the log: %s", s.said)
			}
			s.want(s.do(stranger, "DELETE", "/tasks/t-1", "", append(c.spelled(0), bearer(readToken))...), 403)
			if !strings.Contains(s.said.String(), "msg=admin audit=true name=\"\" address="+own) {
				t.Errorf("the log: %s", s.said)
			}
		})
	}
	t.Run("from nobody else", func(t *testing.T) {
		s := serve(t, nil)
		for i := range 10 {
			s.want(try(s, fmt.Sprintf("X-Forwarded-For: 203.0.113.%d", i)), 401)
		}
		s.want(try(s, "X-Forwarded-For: 203.0.113.100"), 429)
		if strings.Contains(s.said.String(), "203.0.113") {
			t.Errorf("the log: %s", s.said)
		}
	})
	for _, trusted := range []bool{true, false} { // so it is with TLS that the proxy ends
		s := serve(t, func(o *auth.Options) {
			if trusted {
				o.TrustedProxies = loopback
			}
		})
		a := s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`, "X-Forwarded-Proto: https")
		if secure := strings.Contains(a.Header.Get("Set-Cookie"), "Secure"); secure != trusted {
			t.Errorf("from a proxy that is trusted %t: %s", trusted, a.Header.Get("Set-Cookie"))
		}
	}
}

// A client that adds its own header beside the proxy's must not become another person.
func TestAHeaderOfAProxyCountsInOneSpellingAndOnce(t *testing.T) {
	s := serve(t, func(o *auth.Options) {
		o.ProxyHeader, o.GroupsHeader, o.Proxies = "Remote-User", "Remote-Groups", loopback
	})
	const ann = "ann@example.org"
	for _, headers := range [][]string{
		{"Remote_User: " + ann}, {"X-Remote-User: " + ann}, {"Http_Remote_User: " + ann}, {"RemoteUser: " + ann},
		{"Remote-User: " + ann, "Remote-User: bob@example.org"}, {"Remote-User: bob@example.org", "Remote-User: " + ann},
		{"Remote-User: " + ann, "Remote-User: " + ann}, {"Remote-User: " + ann + ", bob@example.org"}, {"Remote-User: "},
		{"Remote-User: bob@example.org", "Remote_Groups: crew"}, {"Remote-User: bob@example.org", "Remote-Groups: crew", "Remote-Groups: staff"},
		{"Remote-User: bob@example.org", "Remote-Groups: staff", "Remote-Groups: crew"}, {"Remote-Groups: crew"},
	} {
		if a := s.get("/tasks", headers...); a.StatusCode != 401 {
			t.Errorf("%q is answered %d", headers, a.StatusCode)
		}
	}
	s.want(s.get("/tasks", "Remote-User: "+ann, "Remote_User: bob@example.org"), 200)
}

// Cookies ignore ports: a browser sends the cookies of one server to the other.
func TestTwoServersOfOneMachineKeepTheirCookiesApart(t *testing.T) {
	one, other := serve(t, nil), serve(t, nil)
	b := browser(t)
	for _, s := range []*server{one, other} {
		s.do(b, "POST", "/login", form("token", steerToken), formType)
	}
	for _, s := range []*server{one, other} { // neither has overwritten the other's cookie
		s.want(s.do(b, "GET", "/tasks", ""), 200)
	}
	a := one.do(stranger, "POST", "/login", `{"token":"`+steerToken+`"}`)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	_, value, _ := strings.Cut(cookie, "=")
	name, _, _ := strings.Cut(other.do(stranger, "POST", "/login", `{"token":"`+steerToken+`"}`).Header.Get("Set-Cookie"), "=")
	other.want(other.get("/tasks", "Cookie: "+cookie), 401)
	other.want(other.get("/tasks", "Cookie: "+name+"="+value), 401)
	one.want(one.get("/tasks", "Cookie: "+cookie), 200)
}

// stream opens a stream and reads what it begins with.
func (s *server) stream(headers ...string) *bufio.Reader {
	s.Helper()
	return s.streamOf("/tasks/t-1/events/stream", headers...)
}

func (s *server) streamOf(path string, headers ...string) *bufio.Reader {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	res, err := stranger.Do(r)
	if err != nil || res.StatusCode != 200 {
		s.Fatalf("%+v, %v", res, err)
	}
	s.Cleanup(func() { res.Body.Close() })
	in := bufio.NewReader(res.Body)
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry: ") {
		s.Fatalf("%q, %v", line, err)
	}
	return in
}

func wantEnd(t *testing.T, in io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(in); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(string(rest), "event:") {
		t.Errorf("%q, %v", rest, err)
	}
}

// Within 5 s of real time, because the file is checked that often.
func TestStreamsEndWithTheirCredential(t *testing.T) {
	s := serve(t, nil)
	a := s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	signedOut := s.stream("Cookie: " + cookie)
	s.do(stranger, "POST", "/logout", "", "Cookie: "+cookie)
	wantEnd(t, signedOut) // at once

	a = s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`)
	cookie, _, _ = strings.Cut(a.Header.Get("Set-Cookie"), ";")
	byToken, byCookie := s.stream(bearer(readToken)), s.stream("Cookie: "+cookie)
	other := s.stream(bearer(adminToken))
	s.write(s.tokens, "root:admin:"+adminToken+"\n")
	wantEnd(t, byToken)
	wantEnd(t, byCookie)
	s.want(s.get("/tasks", bearer(readToken)), 401)
	s.want(s.get("/tasks", "Cookie: "+cookie), 401)
	// A file with an error changes nothing.
	s.write(s.tokens, "root:admin\n")
	if _, err := s.log.Append(t.Context(), batch("t-1")); err != nil {
		t.Fatal(err)
	}
	if line, err := other.ReadString('\n'); err != nil || line == "" {
		t.Errorf("%q, %v", line, err)
	}
	s.want(s.get("/tasks", bearer(adminToken)), 200)
}

func TestNoSecretIsLogged(t *testing.T) {
	s := serve(t, nil)
	a := s.want(s.do(stranger, "POST", "/login", form("token", steerToken), formType), 303)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	s.do(stranger, "POST", "/login", form("token", "wrong-token-0123456789"), formType)
	var link struct{ Ticket string }
	if err := json.Unmarshal([]byte(s.do(stranger, "POST", "/tasks/t-1/share", "", "Cookie: "+cookie).body), &link); err != nil {
		t.Fatal(err)
	}
	s.get("/tasks/t-1?ticket=" + link.Ticket)
	s.get("/tasks/t-2?ticket=" + link.Ticket)
	s.get("/tasks", bearer(adminToken))
	s.do(stranger, "POST", "/logout", "", "Cookie: "+cookie)
	said := s.said.String()
	for _, secret := range []string{steerToken, adminToken, "wrong-token", link.Ticket, cookie[strings.Index(cookie, "=")+1:]} {
		if strings.Contains(said, secret) {
			t.Errorf("the log has %q: %s", secret, said)
		}
	}
	for _, line := range []string{`msg="signed in" audit=true name=ann`, `msg="sign-in failed" audit=true`, `msg="shared a task" audit=true name=ann task=t-1`, `msg="signed out" audit=true name=ann`} {
		if !strings.Contains(said, line) {
			t.Errorf("the log has no line %s: %s", line, said)
		}
	}
}

func TestAKeyIsItsOwnersAloneAndANewOneEndsAll(t *testing.T) {
	dir := t.TempDir()
	key, tokens := filepath.Join(dir, "key"), filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte(allTokens), 0o600); err != nil {
		t.Fatal(err)
	}
	share := func(o *auth.Options) { o.KeyFile = key }
	s := serve(t, share)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Fatalf("%v, %v", info, err)
	}
	a := s.do(stranger, "POST", "/login", `{"token":"`+readToken+`"}`)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	again := serve(t, share) // the same key, as after a restart
	again.want(again.get("/tasks", "Cookie: "+cookie), 200)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	anew := serve(t, share)
	anew.want(anew.get("/tasks", "Cookie: "+cookie), 401)
	for text, mode := range map[string]os.FileMode{"short": 0o600, strings.Repeat("x", 32): 0o644} {
		if err := errors.Join(os.Remove(key), os.WriteFile(key, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
		if a, err := auth.Open(auth.Options{TokenFile: tokens, KeyFile: key}); err == nil {
			a.Close()
			t.Errorf("a key %q with mode %o is taken", text, mode)
		}
	}
}
