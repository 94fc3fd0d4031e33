package clusterstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
)

// Two processes, each with a file of its own, have one log. Here they are one.
func Example() {
	dir, url, end := startNATS()
	defer end()
	ctx := context.Background()

	open := func(file string) *eventlog.Log {
		store, err := clusterstore.Open(ctx, filepath.Join(dir, file), url, "jrweb", nil)
		if err != nil {
			panic(err)
		}
		events, err := eventlog.New(store, &eventlog.Options{MaxEventBytes: 2 << 20})
		if err != nil {
			panic(err)
		}
		return events
	}
	here, there := open("here.db"), open("there.db")
	defer here.Close()
	defer there.Close()

	session, err := here.Start(ctx, "t-197.4", nil)
	if err != nil {
		panic(err)
	}
	if _, err := session.Append(ctx, eventlog.Event{Type: "thought", Data: []byte(`{"content":"Let me look."}`)}); err != nil {
		panic(err)
	}

	// What one of them has acknowledged the other one knows after this.
	if err := there.CatchUp(ctx); err != nil {
		panic(err)
	}
	for event, err := range there.Session("t-197.4", session.ID()).Events(ctx, 0) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.Sequence, event.Type, string(event.Data))
	}
	for _, weakness := range there.Stats().Cluster.Weaknesses {
		fmt.Println("weak:", weakness)
	}
	// Output:
	// 1 thought {"content":"Let me look."}
	// weak: few_servers
	// weak: unknown_sync
}

// startNATS stands for the servers of an operator.
func startNATS() (dir, url string, end func()) {
	dir, err := os.MkdirTemp("", "jrweb")
	if err != nil {
		panic(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 8 << 20,
		JetStream: true, StoreDir: dir, SyncAlways: true,
	})
	if err != nil {
		panic(err)
	}
	s.Start()
	return dir, s.ClientURL(), func() { s.Shutdown(); _ = os.RemoveAll(dir) }
}
