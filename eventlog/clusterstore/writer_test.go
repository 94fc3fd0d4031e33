package clusterstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/internal/natstest"
)

// A writer that is closed says so, and the next one takes over at once.
func TestAnotherReplicaTakesOverFromAWriterThatIsClosed(t *testing.T) {
	url := natstest.Start(t).URL
	logs := []*log{newLog(t, url, nil), newLog(t, url, nil), newLog(t, url, nil)}
	s := logs[0].start("t-1", nil)
	logs[1].append(s, "1")
	logs[2].append(s, "2")
	logs[0].ok(logs[0].Log.Close())
	began := time.Now()
	logs[1].append(s, "3") // waits for the next writer
	logs[2].append(s, "4")
	if took := time.Since(began); took > 4*time.Second { // less than a silent one would be given
		t.Errorf("after the writer was closed two appends took %v", took)
	}
	wantEqual(t, "events", fmt.Sprint(logs[2].contents(s)), "[1 2 3 4]")
	logs[2].ok(logs[2].Log.Close())
	logs[1].append(s, "5") // whichever of them was the writer
}

// A writer that is silent is replaced, here because its server stands still. An append that had
// no answer is not made twice.
func TestAnotherReplicaTakesOverFromAWriterThatIsSilent(t *testing.T) {
	servers, _ := natstest.StartCluster(t, 3)
	o := &clusterstore.Options{Replicas: 3, Wait: patience}
	logs := make([]*log, len(servers))
	for i, s := range servers {
		logs[i] = logOn(t, openReplica(t, filepath.Join(t.TempDir(), "jr.db"), s.URL, o), nil)
		logs[i].ok(logs[i].Probe(t.Context())) // the first one is the writer
	}
	s := logs[0].start("t-1", nil)
	logs[1].append(s, "1")
	servers[0].Stop() // and with it what the writer says and hears
	batch := &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says("2")}, Key: eventlog.Key{ID: "k"}}
	logs[1].ok(retry(t, func() error { return err2(logs[1].Append(t.Context(), batch)) }))
	logs[2].ok(retry(t, func() error { return err2(logs[2].Append(t.Context(), batch)) }))
	servers[0].Continue()
	logs[0].ok(retry(t, func() error { return err2(logs[0].Append(t.Context(), batch)) }))
	for _, l := range logs {
		l.ok(l.CatchUp(t.Context()))
		wantEqual(t, "events", fmt.Sprint(l.contents(s)), "[1 2]")
	}
}

// Signs of life are not messages of the stream: while nothing happens it does not grow.
func TestAnIdleClusterWritesNothing(t *testing.T) {
	url := natstest.Start(t).URL
	here, there := newLog(t, url, nil), newLog(t, url, nil)
	there.start("t-1", &eventlog.StartOptions{Lease: time.Hour})
	conn, err := nats.Connect(url)
	here.ok(err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	here.ok(err)
	last := func() uint64 {
		s, err := js.Stream(t.Context(), stream)
		here.ok(err)
		return s.CachedInfo().State.LastSeq
	}
	signs, err := conn.SubscribeSync("jrweb." + stream + ".writer")
	here.ok(err)
	before := last()
	for range 2 {
		if _, err := signs.NextMsg(patience); err != nil {
			t.Fatal("the writer gives no sign of life:", err)
		}
	}
	wantEqual(t, "the last message", last(), before)
}

// What is larger than a message is refused where it comes in, as it is by the writer.
func TestAnAppendThatIsTooLargeIsRefusedByEveryReplica(t *testing.T) {
	url := natstest.Start(t).URL
	o := &eventlog.Options{MaxEventBytes: 64 << 20}
	for _, l := range []*log{newLog(t, url, o), newLog(t, url, o)} {
		l.ok(l.Probe(t.Context()))
		_, err := l.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says(strings.Repeat("x", 32<<20))}})
		if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || !errors.Is(err, eventlog.ErrTooLarge) {
			t.Errorf("32 MiB: %v %v", field, err)
		}
		l.ok(l.Probe(t.Context()))
	}
}
