package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"jrweb/internal/freeport"
)

// member is a server of a cluster of -cluster-embedded, with the flags that it keeps.
type member struct {
	t     *testing.T
	flags []string
	running
}

// begin begins to start it, and returns a function that waits for it.
func (m *member) begin() func() {
	wait := beginServe(m.t, m.t.Output(), m.flags...)
	return func() { m.t.Helper(); m.running = wait() }
}

// startMembers starts three servers that prove to each other who they are.
func startMembers(t *testing.T) []*member {
	t.Helper()
	cert, key, _ := certificate(t)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var members []*member
	var listen []string
	for range 3 {
		listen = append(listen, freeport.Addr(t))
	}
	var waits []func()
	for i, addr := range listen {
		m := &member{t: t, flags: []string{
			"-log-level", "error", "-db", filepath.Join(dir, fmt.Sprintf("%d.db", i)),
			"-cluster-embedded", filepath.Join(dir, fmt.Sprintf("%d.engine", i)), "-cluster-name", fmt.Sprintf("n%d", i),
			"-cluster-listen", addr, "-cluster-routes", strings.Join(listen, ","),
			"-cluster-secret-file", secret, "-cluster-ca", cert, "-cluster-cert", cert, "-cluster-key", key,
		}}
		members, waits = append(members, m), append(waits, m.begin())
	}
	for _, wait := range waits {
		wait()
	}
	return members
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// append appends through one server, and returns the status of the answer. It repeats what it
// got no answer to, as clients do.
func (r running) append(t *testing.T, task, events string) int {
	t.Helper()
	key := rand.Text()
	for began := time.Now(); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/tasks/"+task+"/events", strings.NewReader(events))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text := body(t, res)
		res.Body.Close()
		if res.StatusCode != http.StatusServiceUnavailable || time.Since(began) > patience {
			return res.StatusCode
		}
		t.Logf("an append is repeated: %s", text)
	}
}

// events are the events of a task, as one server has them.
func (r running) events(t *testing.T, task string) string {
	t.Helper()
	code, stdout, stderr := runIt(t, "", "export", "-url", r.url, "-format", "ndjson", task)
	if code != 0 {
		t.Fatal(stderr)
	}
	return stdout
}

// Three processes of this program, and no other, share a log. One of them may end, and comes
// back.
func TestServersOfThisProgramAloneAreACluster(t *testing.T) {
	members := startMembers(t)
	say := func(content string) string {
		return `{"type":"thought","data":{"content":"` + content + `"}}`
	}
	var want []string
	write := func(m *member, content string) {
		t.Helper()
		if status := m.append(t, "t-1", say(content)); status != http.StatusOK {
			t.Fatalf("%q is answered %d", content, status)
		}
		want = append(want, content)
	}
	check := func(members ...*member) {
		t.Helper()
		for _, m := range members {
			// What was acknowledged elsewhere comes by itself, a moment later.
			all := strings.Split(strings.TrimSpace(m.events(t, "t-1")), "\n")
			for began := time.Now(); len(all) < len(want) && time.Since(began) < patience; <-time.After(10 * time.Millisecond) {
				all = strings.Split(strings.TrimSpace(m.events(t, "t-1")), "\n")
			}
			if len(all) != len(want) {
				t.Fatalf("there are %d events, not %d", len(all), len(want))
			}
			for i, content := range want {
				if !strings.Contains(all[i], `{"content":"`+content+`"}`) {
					t.Errorf("%.20q is not in its place", content)
				}
			}
		}
	}
	for i, m := range members {
		write(m, fmt.Sprintf("through %d", i))
		const ready = "ok\ncluster: what is acknowledged is on the disks of most of 3 servers\n"
		for began := time.Now(); ; <-time.After(10 * time.Millisecond) { // its part may come a moment later
			got := body(t, get(t, http.DefaultClient, m.url+"/readyz"))
			if got == ready {
				break
			}
			if time.Since(began) > patience {
				t.Fatalf("server %d says %q", i, got)
			}
		}
	}
	check(members...)

	if code := members[0].stop(); code != 0 {
		t.Errorf("a server ended with %d", code)
	}
	write(members[1], "without one")
	check(members[1:]...)
	members[0].begin()()
	write(members[0], "with all")
	check(members...)

	// The largest event and the largest request pass, and nothing larger.
	largest := strings.Repeat("x", clusterEventBytes-len(`{"content":""}`))
	for _, m := range members {
		write(m, largest)
	}
	if status := members[1].append(t, "t-1", say(largest+"x")); status != http.StatusRequestEntityTooLarge {
		t.Errorf("an event that is too large is answered %d", status)
	}
	const many = 10_000 - 8000*raceDetector // it is slow with the race detector
	one := say(strings.Repeat("e", clusterRequestBytes/many-len(say("")+","))) + ","
	batch := "[" + strings.Repeat(one, many)
	batch = strings.TrimSuffix(batch, ",") + strings.Repeat(" ", clusterRequestBytes-len(batch)) + "]"
	if status := members[1].append(t, "t-2", batch); status != http.StatusOK {
		t.Errorf("the largest request is answered %d", status)
	}
	if status := members[2].append(t, "t-2", " "+batch); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a request that is too large is answered %d", status)
	}
	if n := strings.Count(members[0].events(t, "t-2"), `"type":"thought"`); n != many {
		t.Errorf("of the largest request there are %d events", n)
	}
	check(members...)
}

// Where others could reach it, a server within does not start without a secret, nor without
// certificates.
func TestAServerBeyondThisMachineNeedsASecretAndCertificates(t *testing.T) {
	cert, key, _ := certificate(t)
	dir := t.TempDir()
	secret, noFolder := filepath.Join(dir, "secret"), filepath.Join(dir, "file")
	for path, text := range map[string]string{secret: strings.Repeat("s", 32), noFolder: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secured := []string{"-cluster-ca", cert, "-cluster-cert", cert, "-cluster-key", key}
	withSecret := []string{"-cluster-secret-file", secret}
	for _, c := range []struct {
		name  string
		flags []string
		code  int
	}{
		{"neither", nil, exitUsage},
		{"a secret alone", withSecret, exitUsage},
		{"certificates alone", secured, exitUsage},
		{"both, the control", slices.Concat(secured, withSecret), exitFailed}, // it goes on to its folder, which is none
	} {
		for _, where := range [][]string{
			{"-cluster-listen", "0.0.0.0:0", "-cluster-routes", "127.0.0.1:1"},
			{"-cluster-listen", "127.0.0.1:0", "-cluster-routes", "127.0.0.1:1,192.0.2.1:1"},
		} {
			code, _, stderr := runIt(t, "", slices.Concat([]string{
				"serve", "-addr", "127.0.0.1:0", "-db", filepath.Join(dir, "jr.db"), "-cluster-embedded", noFolder, "-cluster-name", "a",
			}, where, c.flags)...)
			if refused := strings.Contains(stderr, "reaches beyond this machine"); code != c.code || refused != (c.code == exitUsage) {
				t.Errorf("%s, %v: exit code %d: %s", c.name, where, code, stderr)
			}
		}
	}
}

// A server is one replica of a log in a stream of NATS servers elsewhere, to which it proves
// who it is.
func TestAServerJoinsNATSThatAsksWhoItIs(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	creds := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(creds, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	cert, key, _ := certificate(t)
	config := filepath.Join(t.TempDir(), "nats.conf")
	err = os.WriteFile(config, fmt.Appendf(nil, `
listen: "127.0.0.1:-1"
max_payload: 8MB
jetstream { store_dir: %q, sync_interval: always }
tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true, timeout: 10 }
system_account: SYS
accounts {
	SYS { users: [{user: sys, password: sys}] }
	APP { jetstream: enabled, users: [{nkey: %s}] }
}`, t.TempDir(), cert, key, cert, public), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	o, err := natsserver.ProcessConfigFile(config)
	if err != nil {
		t.Fatal(err)
	}
	o.NoLog, o.NoSigs = true, true
	nats, err := natsserver.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	nats.Start()
	t.Cleanup(nats.Shutdown)
	url := "nats://" + nats.Addr().String()
	secured := []string{"-cluster", url, "-cluster-replicas", "1", "-cluster-ca", cert, "-cluster-cert", cert, "-cluster-key", key}
	for _, refused := range [][]string{
		{"-cluster", url, "-cluster-ca", cert, "-cluster-creds", creds}, // no certificate
		secured, // no key
		append(secured[:2:2], append(secured[4:], "-cluster-creds", creds)...), // three replicas, on one server
	} {
		if code, _, stderr := runIt(t, "", append([]string{"serve", "-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "jr.db")}, refused...)...); code != exitFailed {
			t.Errorf("%v: exit code %d: %s", refused, code, stderr)
		}
	}
	flags := append(secured, "-cluster-creds", creds, "-cluster-system-url", "nats://sys:sys@"+nats.Addr().String())
	a, b := startServe(t, flags...), startServe(t, flags...)
	if status := a.append(t, "t-1", `{"type":"thought","data":{"content":"hello"}}`); status != http.StatusOK {
		t.Errorf("an append is answered %d", status)
	}
	if got := b.events(t, "t-1"); !strings.Contains(got, "hello") {
		t.Errorf("the other server has %q", got)
	}
	if got := body(t, get(t, http.DefaultClient, a.url+"/readyz")); strings.Count(got, "\n") != 2 || !strings.Contains(got, "weak, few_servers") {
		t.Errorf("it promises %q", got)
	}
}
