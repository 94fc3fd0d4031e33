package redact_test

import (
	"context"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/redact"
)

func BenchmarkMiddleware(b *testing.B) {
	var starts strings.Builder
	for _, rule := range redact.Rules() {
		starts.WriteString(strings.Join(rule.Starts, " ") + " ")
	}
	for _, c := range []struct{ name, text string }{
		{"prose=300B", strings.Repeat("The agent read the file and says it is fine. ", 7)},
		{"code=6KiB", strings.Repeat("func main() { if err := run(os.Args[1:]); err != nil { log.Fatal(err) } }\n", 80)},
		{"keywords=6KiB", strings.Repeat("token, err := api.NewKey(secret, password) // auth access\n", 100)},
		{"secrets=6KiB", strings.Repeat("https://user:hunter2@example.com/some/path and on and on\n", 100)},
		// A client must not be able to stop the log with one event.
		{"hostile/starts=1MiB", strings.Repeat(starts.String(), 1<<20/starts.Len())},
		{"hostile/jwt=1MiB", strings.Repeat("eyJ-", 1<<18)},
		{"hostile/assignments=1MiB", strings.Repeat("token=", 1<<20/6)},
		{"hostile/pem=1MiB", strings.Repeat("-----BEGIN PRIVATE KEY-----", 1<<20/27)},
		{"hostile/dashes=1MiB", strings.Repeat("-", 1<<20)},
		{"hostile/curl=1MiB", strings.Repeat("curl ", 1<<20/5)},
		{"hostile/secrets=1MiB", strings.Repeat("pwd=abcd ", 1<<20/9)},
		{"hostile/markers=1MiB", strings.Repeat("[redacted:jwt]pwd=abcd ", 1<<20/23)},
		{"hostile/logins=1MiB", strings.Repeat("login login ", 1<<20/12)},
		{"hostile/quotes=1MiB", strings.Repeat(`pwd=\"\`, 1<<20/7)},
	} {
		b.Run(c.name, func(b *testing.B) {
			data := []byte(content(c.text))
			batch := &eventlog.Batch{Events: make([]eventlog.Event, 1)}
			appendBatch := redact.Middleware(nil)(func(context.Context, *eventlog.Batch) (eventlog.Appended, error) {
				return eventlog.Appended{}, nil
			})
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				batch.Events[0].Data = data
				if _, err := appendBatch(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
