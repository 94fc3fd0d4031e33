package clusterstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// check checks the cluster of a test.
func check(t testing.TB, url string, wait time.Duration, files ...string) (checked clusterstore.Checked, findings []string, err error) {
	t.Helper()
	checked, err = clusterstore.Check(t.Context(), url, stream, &clusterstore.CheckOptions{
		Options: clusterstore.Options{Wait: wait}, Files: files, Found: func(s string) { findings = append(findings, s) },
	})
	return checked, findings, err
}

// What is the same is found to be, while replicas write, and snapshots come and go.
func TestACheckFindsThatReplicasAreTheSame(t *testing.T) {
	url := natstest.Start(t).URL
	k := newKeeper(t, url)
	k.fill(1)
	early := newReplica(t, url)
	k.ok(early.Close()) // behind the purge soon
	k.fill(2)
	atRest := newReplica(t, url)
	k.ok(atRest.Close())
	other := newReplica(t, url)

	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for _, r := range []*replica{k.replica, other} {
		writing.Go(func() {
			for ctx.Err() == nil {
				if err := r.add(ctx, "all", 'x'); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	checked, findings, err := check(t, url, 0, early.path, atRest.path)
	stop()
	writing.Wait()
	if err != nil || len(findings) > 0 {
		t.Errorf("%v, findings %q", err, findings)
	}
	wantEqual(t, "replicas that run", len(checked.Replicas), 2)
	wantEqual(t, "snapshots", checked.Snapshots, 2)
	if checked.First <= 1 || checked.Last <= checked.First || checked.At == 0 || checked.Records == 0 {
		t.Errorf("it has seen %+v", checked)
	}
	wantSame(t, k.replica, other)
}

// Whatever differs is found.
func TestACheckFindsWhatDiffers(t *testing.T) {
	server := natstest.Start(t)
	js := client(t, server.URL)
	changeInFile := func(path string) error {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(store.Tasks)).Put([]byte("a"), []byte("b")) })
		return errors.Join(err, db.Close())
	}
	// applied applies something to a file that no message has.
	applied := func(t *testing.T, path string) {
		r, err := filestore.OpenReplica(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		delta, err := r.Prepare(t.Context(), 0, func(tx store.Tx) error { tx.Put(store.Tasks, []byte("a"), nil); return nil })
		if err == nil {
			err = r.Apply(t.Context(), delta, [32]byte{1})
		}
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	other := natstest.Start(t)
	stranger := newReplica(t, other.URL)
	stranger.ok(stranger.put(t.Context(), "a"))
	stranger.ok(stranger.Close())

	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, k *keeper, atRest string) (files []string)
		want  string
	}{
		{"nothing", func(_ *testing.T, _ *keeper, atRest string) []string { return []string{atRest} }, ""},
		{"a record of a replica that runs", func(t *testing.T, k *keeper, atRest string) []string {
			k.ok(changeInFile(atRest))
			openReplica(t, atRest, server.URL, impatient)
			return nil
		}, "holds"},
		{"a message that is gone", func(t *testing.T, k *keeper, _ string) []string {
			log := streamNamed(t, js, stream)
			k.ok(log.DeleteMsg(t.Context(), log.CachedInfo().State.LastSeq-3))
			return nil
		}, "not in the stream"},
		{"a message of others", func(t *testing.T, k *keeper, _ string) []string {
			_, err := js.Publish(t.Context(), "jrweb."+stream, []byte("hello"))
			k.ok(err)
			return nil
		}, "is too short"},
		{"a file of another cluster", func(*testing.T, *keeper, string) []string { return []string{stranger.path} }, "another stream"},
		{"a file that is ahead", func(t *testing.T, k *keeper, atRest string) []string {
			latest := openReplica(t, atRest, server.URL, impatient)
			k.ok(k.Close())
			latest.barrier()
			k.ok(latest.Close())
			applied(t, atRest)
			return []string{atRest}
		}, "the stream ends with"},
		{"a file with another message", func(t *testing.T, k *keeper, atRest string) []string {
			applied(t, atRest)
			k.ok(k.put(t.Context(), "a"))
			return []string{atRest}
		}, "another message"},
		{"a file that is damaged", func(t *testing.T, k *keeper, atRest string) []string {
			k.ok(os.WriteFile(atRest, bytes.Repeat([]byte("x"), 1<<16), 0o600))
			return []string{atRest}
		}, "damaged"},
		{"a snapshot that is damaged", func(t *testing.T, k *keeper, _ string) []string {
			k.ok(k.Close()) // it makes no more
			_, err := js.Publish(t.Context(), partsOf(t, js)[0], []byte("x"))
			k.ok(err)
			return nil
		}, "snapshot"},
		{"a snapshot that is gone", func(t *testing.T, k *keeper, _ string) []string {
			k.ok(k.Close()) // it makes no more
			k.ok(streamNamed(t, js, stream+"-snapshots").Purge(t.Context(), jetstream.WithPurgeSubject(partsOf(t, js)[0])))
			return nil
		}, "snapshot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// As an operator has made it who lets messages be deleted.
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{"jrweb." + stream}})
			k := newKeeper(t, server.URL)
			k.ok(err)
			defer func() {
				k.ok(js.DeleteStream(t.Context(), stream))
				k.ok(js.DeleteStream(t.Context(), stream+"-snapshots"))
			}()
			k.fill(2)
			atRest := newReplica(t, server.URL)
			k.ok(atRest.Close())
			files := c.spoil(t, k, atRest.path)
			_, findings, err := check(t, server.URL, 2*time.Second, files...)
			if c.want == "" {
				if err != nil || len(findings) > 0 {
					t.Errorf("%v, findings %q", err, findings)
				}
				return
			}
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(strings.Join(findings, "\n"), c.want) {
				t.Errorf("%v, findings %q, want %q", err, findings, c.want)
			}
		})
	}
	if _, _, err := check(t, server.URL, 0); err == nil {
		t.Error("a stream that is not there is well")
	}
}

// partsOf are the subjects of the first parts of the snapshots that count.
func partsOf(t testing.TB, js jetstream.JetStream) (subjects []string) {
	t.Helper()
	m, err := streamNamed(t, js, stream+"-snapshots").GetLastMsgForSubject(t.Context(), "jrweb."+stream+".snapshots.catalog")
	if err != nil {
		t.Fatal(err)
	}
	var catalog struct{ Snapshots []struct{ ID string } }
	if err := json.Unmarshal(m.Data, &catalog); err != nil {
		t.Fatal(err)
	}
	for _, s := range catalog.Snapshots {
		subjects = append(subjects, "jrweb."+stream+".snapshots."+s.ID+".0")
	}
	return subjects
}
