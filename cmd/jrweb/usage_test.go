package main

import (
	"bytes"
	"strings"
	"testing"
)

func runIt(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestWhatIsNotUnderstoodIsExitCode2(t *testing.T) {
	t.Chdir(t.TempDir()) // should a server start after all
	t.Setenv("JRWEB_URL", "http://127.0.0.1:1")
	for _, c := range []struct {
		env  string
		args string // split at |
	}{
		{"", ""},
		{"", "bogus"},
		{"", "-bogus|rm|A"},
		{"", "-session|X|rm|A"},
		{"", "bogus|rm|A"},
		{"", "rm"},
		{"", "rm|A|B"},
		{"", "rm|A|"},
		{"", "rm|A|-sesion|X"},
		{"", "rm|A|-session"},
		{"", "rm|A|-session|"},
		{"", "rm|A|-session="},
		{"", "rm|-session=|A"},
		{"", "rm|A|-session|X|-session|Y"},
		{"", "rm|A|-session|not-an-id"},
		{"", "rm|A|--|-session|X"},
		{"", "rm|-9"},
		{"", "rm|../A"},
		{"", "rm|A/sessions/X"},
		{"JRWEB_SESSION=", "rm|A"},
		{"JRWEB_SESSION=x", "rm|A"},
		{"", "ls|A|B"},
		{"", "ls|-json=perhaps"},
		{"", "ls|-url|ftp://a"},
		{"", "ls|-url="},
		{"JRWEB_JSON=perhaps", "ls"},
		{"", "tail"},
		{"", "tail|A|-json|-details"},
		{"", "export|A|-format|pdf"},
		{"JRWEB_FORMAT=pdf", "export|A"},
		{"", "append"},
		{"", "append|-task"},
		{"", "append|-task="},
		{"", "append|-task|a/b"},
		{"", "append|-task|a|b"},
		{"", "append|-task|a|-key="},
		{"", "version|A"},
		{"", "demo|A"},
		{"", "demo|-addr|0.0.0.0:0"},
		{"", "serve|A"},
		{"", "serve|-addr|7070"},
		{"", "serve|-addr|127.0.0.1:bogus"},
		{"", "serve|-addr|"},
		{"", "serve|-addr|:0"},
		{"", "serve|-addr|0.0.0.0:0"},
		{"", "serve|-addr|[::]:0"},
		{"", "serve|-addr|192.0.2.1:0"},
		{"JRWEB_ADDR=:0", "serve"},
		{"", "serve|-db="},
		{"", "serve|-insecure|false"},
		{"", "serve|-heartbeat|15"},
		{"", "serve|-heartbeat|-5s"},
		{"JRWEB_HEARTBEAT=soon", "serve"},
		{"", "serve|-poll-interval|0s"},
		{"", "serve|-write-timeout|0s"},
		{"", "serve|-max-streams|many"},
		{"", "serve|-max-streams|0"},
		{"", "serve|-max-event-bytes|-1"},
		{"", "serve|-max-request-bytes|0"},
		{"", "serve|-session-idle-timeout|-1s"},
		{"", "serve|-session-idle-timeout|24"},
		{"", "serve|-retain-age|-1h"},
		{"", "serve|-retain-age|30d"},
		{"", "serve|-retain-sessions|-1"},
		{"", "serve|-retain-sessions|1.5"},
		{"", "serve|-retain-bytes|-1"},
		{"", "serve|-retain-bytes|10"},
		{"JRWEB_RETAIN_BYTES=10", "serve"},
		{"", "serve|-retain-bytes|67108864|-max-db-bytes|67108864"},
		{"", "serve|-max-db-bytes|-1"},
		{"", "serve|-max-db-bytes|67108863"},
		{"JRWEB_MAX_DB_BYTES=64MiB", "serve"},
		{"", "serve|-tls-cert|a.pem"},
		{"", "serve|-tls-key|a.pem"},
		{"", "serve|-allowed-host|http://a"},
		{"", "serve|-log-format|xml"},
		{"", "serve|-log-level|loud"},
		{"", "serve|---addr|127.0.0.1:0"},
	} {
		t.Run(c.env+" "+strings.ReplaceAll(c.args, "|", " "), func(t *testing.T) {
			if name, value, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(name, value)
			}
			var args []string
			if c.args != "" {
				args = strings.Split(c.args, "|")
			}
			code, stdout, stderr := runIt(t, "", args...)
			if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "jrweb: ") {
				t.Errorf("exit code %d, stdout %q, stderr %q; want 2 and one line on stderr", code, stdout, stderr)
			}
		})
	}
}

func TestFlagsMayStandAnywhereAndTakeOneDashOrTwo(t *testing.T) {
	// The server that nobody answers for proves that the command line was
	// understood: the command got as far as calling it.
	const id = "06H0EN8RFSHIM9CO6AS2L51TAO"
	for _, args := range []string{
		"rm|A|-session|" + id,
		"rm|A|--session|" + id,
		"rm|-session=" + id + "|A",
		"rm|--session=" + id + "|A|-url|http://127.0.0.1:1",
		"rm|help",
		"ls",
		"ls|-json|A",
		"ls|A|--json",
		"tail|A|-details",
		"tail|--|A",
		"export|A|-format|ndjson", "export|A|-format|html",
		"ls|-token|-starts-with-a-dash",
	} {
		t.Run(args, func(t *testing.T) {
			t.Setenv("JRWEB_URL", "http://127.0.0.1:1")
			code, stdout, stderr := runIt(t, "", strings.Split(args, "|")...)
			if code != exitFailed || !strings.HasPrefix(stderr, "jrweb: cannot reach http://127.0.0.1:1") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestTheTokenIsShownNowhere(t *testing.T) {
	t.Setenv("JRWEB_TOKEN", "geheim")
	t.Setenv("JRWEB_URL", "http://127.0.0.1:1")
	for _, args := range [][]string{{"ls", "-help"}, {"ls"}, {"tail", "A"}, {"ls", "-url", "bogus"}, {"-help"}} {
		_, stdout, stderr := runIt(t, "", args...)
		if strings.Contains(stdout+stderr, "geheim") {
			t.Errorf("%q shows the token:\n%s%s", args, stdout, stderr)
		}
	}
}
