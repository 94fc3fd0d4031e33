package auth

import (
	"bytes"
	"context"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"jrweb/router"
)

func FuzzTokens(f *testing.F) {
	for _, seed := range []string{
		"", "# none\n\n", "a:read:0123456789abcdef", "a:admin:sha256:" + strings.Repeat("0f", 32), "a:read:short", "a b:read:0123456789abcdef",
		"a:chief:0123456789abcdef", ":::", "a:read:sha256:xy", "a:read:0123456789abcdef\nb:read:0123456789abcdef", "a:read:0123456789 abcdef\r\n", "\xff:read:0123456789abcdef", strings.Repeat("x", 70_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tokens, err := parseTokens(text)
		if err != nil {
			for line := range strings.Lines(string(text)) {
				_, secret, _ := strings.Cut(strings.TrimSpace(line), ":")
				if _, secret, _ = strings.Cut(secret, ":"); len(secret) >= leastToken && strings.Contains(err.Error(), secret) {
					t.Fatalf("the error tells a secret: %v", err)
				}
			}
			return
		}
		seen := map[[32]byte]bool{}
		for _, one := range tokens {
			if !namePattern.MatchString(one.name) || one.role < router.RoleRead || one.role > router.RoleAdmin || seen[one.hash] {
				t.Fatalf("%q gives %+v", text, one)
			}
			seen[one.hash] = true
		}
		if _, ok := find(tokens, ""); ok {
			t.Fatal("no token at all is one")
		}
	})
}

func FuzzRoles(f *testing.F) {
	for _, seed := range []string{"", "a:read", "@a:admin", "a@b.c:steer\n# x\n", "a:b:read", ":read", "@:read", "a:", "a:none", "\xff:read"} {
		f.Add([]byte(seed), "a", "b")
	}
	f.Fuzz(func(t *testing.T, text []byte, name, group string) {
		known, err := parseRoles(text)
		if err != nil {
			return
		}
		role := known.of(name, []string{group})
		if role < router.RoleNone || role > router.RoleAdmin {
			t.Fatalf("%q gives %v", text, role)
		}
		if role != router.RoleNone && !bytes.Contains(text, []byte(name)) && !bytes.Contains(text, []byte(group)) {
			t.Fatalf("%q is in none of its groups, and has %v by %q", name, role, text)
		}
		if name = "@" + group; known.of(name, nil) != router.RoleNone {
			t.Fatalf("somebody called %q has the role of the group", name)
		}
	})
}

// A sealed text with any changed byte, or with another purpose, is invalid.
func FuzzSealed(f *testing.F) {
	s := sealer{bytes.Repeat([]byte{7}, keyBytes)}
	good := s.seal(purposeTicket, ticketBody{ID: "x", Task: "t-1"})
	for _, seed := range []string{good, good + "x", "." + good, strings.Replace(good, ".", "", 1), "", ".", "a.b", strings.Repeat("a", 5000), good + "=", good + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		var body ticketBody
		if s.open(purposeTicket, sealed, &body) != (sealed == good) {
			t.Fatalf("%q is taken, or the good one is not", sealed)
		}
		if s.open(purposeCookie, sealed, &cookieBody{}) || s.open(purposeState, sealed, &attempt{}) {
			t.Fatalf("%q is good for something else", sealed)
		}
	})
}

func FuzzTicketInQuery(f *testing.F) {
	for _, seed := range []string{"ticket=a", "a=1&ticket=b&c=2", "ticket=%61%2e", "ticket=%zz", "xticket=a", "ticket=", "ticket=a&ticket=b", "&&ticket=a;b", "tick%65t=a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		sealed, rest := cutTicket(query)
		if sealed == "" && rest != query && !strings.Contains(query, "ticket=") {
			t.Fatalf("%q becomes %q", query, rest)
		}
		if sealed != "" && len(rest) >= len(query) {
			t.Fatalf("the ticket of %q stays in %q", query, rest)
		}
		for part := range strings.SplitSeq(rest, "&") { // the other parameters are still there
			if !strings.Contains(query, part) {
				t.Fatalf("%q becomes %q", query, rest)
			}
		}
	})
}

// The login continues below the mount, whatever path was requested.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{"", "tasks/t-1?session=x", "//evil.com", "/x", "..", "a/../../b", "http:x", "a\\b", "a%2f..", "a?b=%2e", "\t//x", "a:b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		base, err := url.Parse("https://jr.example.org/mount/login")
		if err != nil {
			t.Fatal(err)
		}
		to, err := base.Parse("./" + safeNext(next))
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || !strings.HasPrefix(path.Clean(to.Path)+"/", "/mount/") {
			t.Fatalf("%q leads to %v, %v", next, to, err)
		}
	})
}

// Whatever a request contains, it is answered, and a request without a valid credential has
// no identity.
func FuzzCredential(f *testing.F) {
	a := &Auth{o: Options{ProxyHeader: "Remote-User", GroupsHeader: "Remote-Groups"}, sealer: sealer{bytes.Repeat([]byte{7}, keyBytes)}, cookie: "jrweb_x"}
	var err error
	if a.out, err = openSignedOut(path.Join(f.TempDir(), "out"), time.Time{}); err != nil {
		f.Fatal(err)
	}
	a.tokens, a.roles = &file[[]token]{}, &file[roles]{}
	f.Add("Bearer x", "jrweb_x=a.b; jrweb_x_ticket=c.d", "ann", "a, b", "ticket=x")
	f.Add("bearer", "jrweb_x=\"", "", ",,", "")
	f.Add("Basic \x00", "=;=", "\u202e", "\xff", "ticket=%00&ticket=")
	f.Fuzz(func(t *testing.T, authorization, cookie, user, groups, query string) {
		r := httptest.NewRequest("GET", "http://localhost/tasks", nil)
		r.Header["Authorization"], r.Header["Cookie"] = []string{authorization}, []string{cookie}
		r.Header["Remote-User"], r.Header["Remote-Groups"] = []string{user}, []string{groups}
		sealed, _ := cutTicket(query)
		if who, ok := a.identify(r.WithContext(context.WithValue(r.Context(), ticketKey{}, sealed))); ok {
			t.Fatalf("somebody: %+v", who)
		}
	})
}
