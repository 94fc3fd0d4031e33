package clusterstore_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// makeStream makes a stream as an operator might, with a change to what it should be.
func makeStream(t *testing.T, url string, change func(*jetstream.StreamConfig)) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	c := jetstream.StreamConfig{Name: stream, Subjects: []string{"jrweb." + stream}, Storage: jetstream.FileStorage, DenyDelete: true}
	change(&c)
	_ = js.DeleteStream(t.Context(), stream) // there may be none
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// What would lose commits is refused before anything is written, and the error says what to do.
func TestSettingsThatWouldLoseCommitsAreRefused(t *testing.T) {
	open := func(url string) error {
		s, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), url, stream, nil)
		if err == nil {
			s.Close()
		}
		return err
	}
	url := natstest.Start(t).URL
	for want, change := range map[string]func(*jetstream.StreamConfig){
		"":                     func(*jetstream.StreamConfig) {},
		"in memory":            func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"a limit beyond which": func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 },
		"would forget commits": func(c *jetstream.StreamConfig) { c.MaxAge = 1 << 60 },
		"acknowledges nothing": func(c *jetstream.StreamConfig) { c.NoAck = true },
		"persist mode":         func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"no other messages":    func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "others") },
		"and must take":        func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 << 20 },
	} {
		makeStream(t, url, change)
		if err := open(url); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	small := natstest.StartWith(t, natstest.Options{MaxPayload: 1 << 20})
	if err := open(small.URL); err == nil || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("a server that takes small messages: %v", err)
	}
}

// So is a stream of snapshots, which an operator has made, that would lose them, or not take them.
func TestSettingsThatWouldLoseSnapshotsAreRefused(t *testing.T) {
	url := natstest.Start(t).URL
	js := client(t, url)
	path := newDatabase(t)
	for want, change := range map[string]func(*jetstream.StreamConfig){
		"":                       func(*jetstream.StreamConfig) {},
		"is in memory":           func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"would forget snapshots": func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 },
		"it would forget":        func(c *jetstream.StreamConfig) { c.MaxAge = 1 << 60 },
		"a limit beyond which":   func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
		"acknowledges nothing":   func(c *jetstream.StreamConfig) { c.NoAck = true },
		"remove old snapshots":   func(c *jetstream.StreamConfig) { c.DenyPurge = true },
		"persist mode":           func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"no other messages":      func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "others") },
		"must have the subject":  func(c *jetstream.StreamConfig) { c.Subjects[0] = "jrweb.log.snapshots.*" },
		"and must take":          func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 << 10 },
	} {
		_ = js.DeleteStream(t.Context(), stream) // there may be none
		makeSnapshotStream(t, js, change)
		s, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), url, stream, nil)
		if err == nil {
			s.Close()
		}
		_ = js.DeleteStream(t.Context(), stream)
		_, moved := clusterstore.Begin(t.Context(), path, url, stream, impatient)
		for what, err := range map[string]error{"a replica": err, "a migration": moved} {
			if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %q: %v", what, want, err)
			}
		}
	}
}

// One that is made later takes no snapshot.
func TestAStreamThatWouldLoseSnapshotsGetsNone(t *testing.T) {
	url := natstest.Start(t).URL
	js := client(t, url)
	logger, notMade := tellOf(snapshotNotMade)
	o := &clusterstore.Options{SnapshotBytes: often, Wait: time.Second, Logger: logger}
	k := &keeper{openReplica(t, filepath.Join(t.TempDir(), "jr.db"), url, o), notMade, 0}
	makeSnapshotStream(t, js, func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage })
	k.fill(1)
	info, err := streamNamed(t, js, stream+"-snapshots").Info(t.Context())
	k.ok(err)
	wantEqual(t, "messages there", info.State.Msgs, 0)
}

// makeSnapshotStream makes the stream of the snapshots as an operator might.
func makeSnapshotStream(t *testing.T, js jetstream.JetStream, change func(*jetstream.StreamConfig)) {
	t.Helper()
	c := jetstream.StreamConfig{
		Name: stream + "-snapshots", Subjects: []string{"jrweb." + stream + ".snapshots.>"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, DenyDelete: true,
	}
	change(&c)
	_ = js.DeleteStream(t.Context(), c.Name) // there may be none
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// Each of the servers must be new enough, not only the one to which a replica connects, if they
// can be asked. Here another one is played.
func TestAnOlderServerBesideOthersIsRefused(t *testing.T) {
	s := natstest.StartWith(t, natstest.Options{System: true})
	o := &clusterstore.Options{SystemURL: s.SystemURL()}
	conn, err := nats.Connect(s.SystemURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for version, refused := range map[string]bool{"2.15.2": true, "2.15.3": false} {
		plays, err := conn.Subscribe("$SYS.REQ.SERVER.PING.JSZ", func(m *nats.Msg) {
			_ = m.Respond(fmt.Appendf(nil, `{"server":{"id":"another","ver":%q},"data":{"config":{"sync_always":true}}}`, version)) // the replica has gone
		})
		if err == nil {
			err = conn.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), s.URL, stream, o)
		if (err != nil) != refused || err != nil && !strings.Contains(err.Error(), "version 2.15.2") {
			t.Errorf("beside one of version %s: %v", version, err)
		}
		if err == nil {
			r.Close()
		}
		if err := plays.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is only weaker than it should be is named, by what it breaks.
func TestWeakSettingsAreNamed(t *testing.T) {
	one := func(o natstest.Options) *natstest.Server { return natstest.StartWith(t, o) }
	always, late := one(natstest.Options{System: true}), one(natstest.Options{System: true, LateSync: true})
	silent := natstest.Start(t)
	few := store.FewServers
	for _, c := range []struct {
		name   string
		server *natstest.Server
		o      clusterstore.Options
		change func(*jetstream.StreamConfig)
		want   []store.Weakness

		snapshots func(*jetstream.StreamConfig)
	}{
		{"one server that says that it syncs", always, clusterstore.Options{SystemURL: always.SystemURL()}, nil, []store.Weakness{few}, nil},
		{"one that says that it does not", late, clusterstore.Options{SystemURL: late.SystemURL()}, nil, []store.Weakness{few, store.LateSync}, nil},
		{"one that is not asked", silent, clusterstore.Options{}, nil, []store.Weakness{few, store.UnknownSync}, nil},
		{"one that does not answer such questions", always, clusterstore.Options{SystemURL: always.URL}, nil, []store.Weakness{few, store.UnknownSync}, nil},
		{"one of which it is known", silent, clusterstore.Options{SyncAlways: true}, nil, []store.Weakness{few}, nil},
		{"messages that can be deleted", silent, clusterstore.Options{SyncAlways: true}, func(c *jetstream.StreamConfig) { c.DenyDelete = false }, []store.Weakness{few, store.Erasable}, nil},
		{"a limit that refuses", silent, clusterstore.Options{SyncAlways: true}, func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 1<<30, jetstream.DiscardNew }, []store.Weakness{few, store.Bounded}, nil},
		{"snapshots that can be deleted", silent, clusterstore.Options{SyncAlways: true}, nil, []store.Weakness{few, store.FrailSnapshots}, func(c *jetstream.StreamConfig) { c.DenyDelete = false }},
		{"a limit that refuses snapshots", silent, clusterstore.Options{SyncAlways: true}, nil, []store.Weakness{few, store.FrailSnapshots}, func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 1<<30, jetstream.DiscardNew }},
		{"snapshots as they should be", silent, clusterstore.Options{SyncAlways: true}, nil, []store.Weakness{few}, func(*jetstream.StreamConfig) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_ = client(t, c.server.URL).DeleteStream(t.Context(), stream+"-snapshots") // there may be none
			if c.snapshots != nil {
				makeSnapshotStream(t, client(t, c.server.URL), c.snapshots)
			}
			makeStream(t, c.server.URL, func(s *jetstream.StreamConfig) {
				if c.change != nil {
					c.change(s)
				}
			})
			var said bytes.Buffer
			c.o.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
			r := openReplica(t, filepath.Join(t.TempDir(), "jr.db"), c.server.URL, &c.o)
			got := r.NotifyingStore.(store.ClusterStore).Cluster()
			if fmt.Sprint(got.Weaknesses) != fmt.Sprint(c.want) {
				t.Errorf("it is weak in %v, want %v", got.Weaknesses, c.want)
			}
			for _, w := range c.want {
				if !strings.Contains(said.String(), "weakness="+string(w)) || w.Text() == "" {
					t.Errorf("nothing is said of %s:\n%s", w, &said)
				}
			}
		})
	}
}

// All servers of a cluster are asked, and three that sync always are not a weakness. A replica
// knows where it is, and how often another one was faster.
func TestAClusterTellsItsState(t *testing.T) {
	servers, url := natstest.StartClusterWith(t, 3, natstest.Options{System: true})
	o := &clusterstore.Options{Replicas: 3, SystemURL: servers[0].SystemURL()}
	a := openReplica(t, filepath.Join(t.TempDir(), "a.db"), url, o)
	b := openReplica(t, filepath.Join(t.TempDir(), "b.db"), url, o)
	state := func(r *replica) store.Cluster { return r.NotifyingStore.(store.ClusterStore).Cluster() }
	for range 20 {
		written := make(chan error)
		go func() { written <- b.put(t.Context(), "b") }()
		a.ok(a.put(t.Context(), "a"))
		b.ok(<-written)
	}
	wantSame(t, a, b)
	a.barrier()
	got := state(a)
	wantEqual(t, "weaknesses", len(got.Weaknesses), 0)
	wantEqual(t, "servers", got.Servers, 3)
	wantEqual(t, "connected", got.Connected, true)
	if conflicts := got.Conflicts + state(b).Conflicts; conflicts == 0 {
		t.Error("two wrote at once, and nobody was faster")
	}
	if got.Position < 40 {
		t.Errorf("after 40 commits it is at %d", got.Position)
	}
}
