package auth_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/router/auth"
)

// kinds are the kinds of connections that a stream may have: how the server starts,
// and the major version that its client speaks.
var kinds = map[string]struct {
	start func(*httptest.Server)
	proto int
}{
	"HTTP/1.1, taken over": {(*httptest.Server).Start, 1},
	"HTTP/1.1 over TLS":    {(*httptest.Server).StartTLS, 1},
	"HTTP/2 over TLS":      {func(h *httptest.Server) { h.EnableHTTP2 = true; h.StartTLS() }, 2},
	"HTTP/2 in the clear": {func(h *httptest.Server) {
		h.Config.Protocols = new(http.Protocols)
		h.Config.Protocols.SetUnencryptedHTTP2(true)
		h.Start()
		transport := &http.Transport{Protocols: h.Config.Protocols}
		h.Client().Transport = transport
	}, 2},
}

// open requests the stream of t-1, and returns the answer.
func (s *server) open(proto int, query string, headers ...string) *http.Response {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+"/tasks/t-1/events/stream"+query, nil)
	if err != nil {
		s.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	res, err := s.http.Client().Do(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { res.Body.Close() })
	if res.ProtoMajor != proto {
		s.Fatalf("it speaks %s", res.Proto)
	}
	return res
}

func TestTicketsAndTokensEndTheirStreamsOverEveryConnection(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits until its ticket expires and the server notices
			key := filepath.Join(t.TempDir(), "key")
			s := serveOver(t, kind.start, func(o *auth.Options) { o.KeyFile = key })
			ticket := func(task string, until time.Time) string {
				return "?ticket=" + forge(t, key, "ticket", fmt.Sprintf(`{"id":"%s %d","task":%q,"by":"ann","exp":%q}`, task, until.Unix(), task, until.UTC().Format(time.RFC3339Nano)))
			}
			soon, later := time.Now().Add(2*time.Second), time.Now().Add(time.Hour)
			opened := func(query string, headers ...string) *bufio.Reader {
				t.Helper()
				res := s.open(kind.proto, query, headers...)
				in := bufio.NewReader(res.Body)
				if line, err := in.ReadString('\n'); res.StatusCode != 200 || err != nil || !strings.HasPrefix(line, "retry: ") {
					t.Fatalf("%s: %q, %v", res.Status, line, err)
				}
				return in
			}
			expires, stays := opened(ticket("t-1", soon)), opened(ticket("t-1", later))
			revoked, control := opened("", bearer(readToken)), opened("", bearer(adminToken))
			s.write(s.tokens, "root:admin:"+adminToken+"\nann:steer:"+steerToken+"\n") // who made the tickets
			wantEnd(t, expires)
			wantEnd(t, revoked)
			if took := time.Since(soon); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			// An expired ticket stays invalid, and a ticket for another task opens nothing
			// here.
			for query, status := range map[string]int{ticket("t-1", soon): 401, ticket("t-2", later): 403, ticket("t-1", later) + "x": 401} {
				res := s.open(kind.proto, query)
				if text, err := io.ReadAll(res.Body); res.StatusCode != status || err != nil {
					t.Errorf("%s, not %d: %s, %v", res.Status, status, text, err)
				}
			}
			if res := s.open(kind.proto, "", bearer(readToken)); res.StatusCode != 401 {
				t.Errorf("a token that is gone is answered %s", res.Status)
			}
			if _, err := s.log.Append(t.Context(), batch("t-1")); err != nil {
				t.Fatal(err)
			}
			for _, in := range []*bufio.Reader{stays, control} {
				for line := ""; !strings.HasPrefix(line, "event: thought"); {
					var err error
					if line, err = in.ReadString('\n'); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
