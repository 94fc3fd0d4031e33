package clusterstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/internal/natstest"
)

// permissions are what a user of the engine may do.
type permissions struct {
	publish, subscribe []string
	responses          bool
}

// documented are the permissions that docs/cluster.md names, for the stream of the tests.
func documented(t *testing.T) (p permissions) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cluster.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n    permissions: {\n")
	block, _, found := strings.Cut(rest, "\n    }\n")
	publish, subscribe, both := strings.Cut(block, "subscribe: {")
	if !found || !both || !strings.Contains(block, `allow_responses: { max: 2, expires: "1h" }`) {
		t.Fatal("docs/cluster.md names no permissions")
	}
	subject := regexp.MustCompile(`(?m)^ *"([^"]+)"`)
	all := func(block string) (subjects []string) {
		for _, m := range subject.FindAllStringSubmatch(block, -1) {
			subjects = append(subjects, strings.ReplaceAll(m[1], ".jrweb", "."+stream))
		}
		return subjects
	}
	return permissions{all(publish), all(subscribe), true}
}

// config is the permissions in the language of the engine.
func (p permissions) config() string {
	responses := ""
	if p.responses {
		responses = `allow_responses: { max: 2, expires: "1h" }`
	}
	return fmt.Sprintf(`{ publish: { allow: [%s] }, subscribe: { allow: [%s] }, %s }`, quoted(p.publish), quoted(p.subscribe), responses)
}

func quoted(subjects []string) string {
	var all []string
	for _, s := range subjects {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return strings.Join(all, ", ")
}

func without(subjects []string, subject string) []string {
	return slices.DeleteFunc(slices.Clone(subjects), func(s string) bool { return s == subject })
}

// With the permissions that docs/cluster.md names a replica can do all that it does. Each of them
// is needed, and who lacks one is told which.
func TestAReplicaNeedsThePermissionsThatAreNamed(t *testing.T) {
	all := documented(t)
	type user struct {
		name    string
		may     permissions
		refused string // what the engine says; "": nothing
	}
	users := []user{{"all", all, ""}}
	for _, s := range all.publish {
		users = append(users, user{"not publish " + s, permissions{without(all.publish, s), all.subscribe, true}, `Publish to "` + strings.TrimRight(s, "*>")})
	}
	for _, s := range all.subscribe {
		users = append(users, user{"not subscribe to " + s, permissions{all.publish, without(all.subscribe, s), true}, `Subscription to "` + strings.TrimRight(s, "*>")})
	}
	users = append(users, user{"not respond", permissions{all.publish, all.subscribe, false}, `Publish to "_INBOX.`})
	var config strings.Builder
	config.WriteString("accounts {\n")
	for i, u := range users { // each in an account of its own, with a stream of its own
		fmt.Fprintf(&config, "A%d { jetstream: enabled, users: [{user: u%d, password: p, permissions: %s}] }\n", i, i, u.may.config())
	}
	config.WriteString("}\n")
	server := natstest.StartWith(t, natstest.Options{Config: config.String()})
	t.Run("users", func(t *testing.T) {
		for i, u := range users {
			t.Run(u.name, func(t *testing.T) {
				t.Parallel()
				url := strings.Replace(server.URL, "nats://", fmt.Sprintf("nats://u%d:p@", i), 1)
				err := doAll(t, url, clusterstore.Options{})
				switch {
				case u.refused == "" && err != nil:
					t.Errorf("it fails: %v", err)
				case u.refused != "" && (err == nil || !strings.Contains(err.Error(), u.refused)):
					t.Errorf("without %q: %v", u.refused, err)
				}
			})
		}
	})
}

// doAll does with a cluster all that replicas do. It stops at what the engine refuses.
func doAll(t *testing.T, url string, o clusterstore.Options) error {
	t.Helper()
	ctx, refuse := context.WithCancelCause(t.Context())
	defer refuse(nil)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := doAllUntil(ctx, t, url, o, refuse)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func doAllUntil(ctx context.Context, t *testing.T, url string, o clusterstore.Options, refuse func(error)) error {
	made := make(chan struct{}, 1000)
	o.SnapshotBytes, o.Wait = often, time.Second
	o.Logger = slog.New(heard{slog.DiscardHandler, func(r slog.Record) {
		switch {
		case r.Message == snapshotMade:
			made <- struct{}{}
		case r.Level >= slog.LevelWarn:
			r.Attrs(func(a slog.Attr) bool {
				if strings.Contains(a.Value.String(), "permissions violation") {
					refuse(fmt.Errorf("%s: %v", r.Message, a.Value))
				}
				return true
			})
		}
	}})
	open := func() (*eventlog.Log, error) {
		s, err := clusterstore.Open(ctx, filepath.Join(t.TempDir(), "jr.db"), url, stream, &o)
		if err != nil {
			return nil, err
		}
		l, err := eventlog.New(s, nil)
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return l, err
	}
	var logs []*eventlog.Log
	for range 2 {
		l, err := open()
		if err == nil {
			err = l.Probe(ctx) // the first one is the writer
		}
		if err != nil {
			return err
		}
		logs = append(logs, l)
	}
	s, err := logs[1].Start(ctx, "t-1", nil) // handed on
	if err != nil {
		return err
	}
	noise := strings.Repeat("x", 8<<10)
	var n uint64
	for snapshots := 0; snapshots < 3; {
		l := logs[n%2]
		if _, err := l.Session(s.Task(), s.ID()).Append(ctx, says(noise)); err != nil {
			return err
		}
		n++
		select {
		case <-made:
			snapshots++
		default:
		}
	}
	fresh, err := open() // with a snapshot
	if err != nil {
		return err
	}
	page, err := fresh.Read(ctx, s.Task(), s.ID(), 0)
	if err != nil {
		return err
	}
	wantEqual(t, "events of a replica that began with a snapshot", page.Head, n)
	_, err = clusterstore.Check(ctx, url, stream, &clusterstore.CheckOptions{Options: o})
	return err
}

// heard is a logger that reports everything.
type heard struct {
	slog.Handler
	tell func(slog.Record)
}

// Enabled implements [slog.Handler].
func (heard) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (h heard) Handle(_ context.Context, r slog.Record) error { h.tell(r); return nil }

// A file of credentials of a user, whom an account has made that an operator has made, opens a
// cluster, with no more permissions than are needed. Nobody comes in without one, or with one of
// another operator.
func TestCredentialsOfAnOperatorOpenACluster(t *testing.T) {
	ours, others := newOperator(t), newOperator(t)
	server := natstest.StartWith(t, natstest.Options{Config: ours.config})
	if err := doAll(t, server.URL, clusterstore.Options{Credentials: ours.creds}); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]clusterstore.Options{"no credentials": {}, "those of another operator": {Credentials: others.creds}} {
		err := doAll(t, server.URL, o)
		if err == nil || !strings.Contains(err.Error(), "nats: Authorization Violation") && !strings.Contains(err.Error(), "nats: authorization violation") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// operator is who says by JWTs what accounts and users there are.
type operator struct {
	config string // of a server
	creds  string // the file of a user
}

func newOperator(t *testing.T) operator {
	t.Helper()
	pair := func(kp nkeys.KeyPair, err error) (nkeys.KeyPair, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		public, err := kp.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return kp, public
	}
	encode := func(c jwt.Claims, by nkeys.KeyPair) string {
		t.Helper()
		text, err := c.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	operatorKey, operatorID := pair(nkeys.CreateOperator())
	_, systemID := pair(nkeys.CreateAccount())
	accountKey, accountID := pair(nkeys.CreateAccount())
	userKey, userID := pair(nkeys.CreateUser())

	account := jwt.NewAccountClaims(accountID)
	account.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	user := jwt.NewUserClaims(userID)
	may := documented(t)
	user.Pub.Allow, user.Sub.Allow = may.publish, may.subscribe
	user.Resp = &jwt.ResponsePermission{MaxMsgs: 2, Expires: time.Hour}
	seed, err := userKey.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(encode(user, accountKey), seed)
	if err != nil {
		t.Fatal(err)
	}
	o := operator{creds: filepath.Join(t.TempDir(), "user.creds")}
	if err := os.WriteFile(o.creds, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	o.config = fmt.Sprintf("operator: %q\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n%s: %q\n%s: %q\n}\n",
		encode(jwt.NewOperatorClaims(operatorID), operatorKey), systemID,
		systemID, encode(jwt.NewAccountClaims(systemID), operatorKey), accountID, encode(account, operatorKey))
	return o
}
