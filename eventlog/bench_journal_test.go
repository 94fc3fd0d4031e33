package eventlog_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// One operation is one page of 700 events of a session whose events are in the file alone,
// in memory alone, or one half in each.
func BenchmarkReadOverlay(b *testing.B) {
	const half, page = 5000, 700
	const fresh = 3 * time.Second // what is in memory goes into the file a little later
	for _, in := range []struct {
		name         string
		file, memory int
	}{{"in=file", 2 * half, 0}, {"in=memory", 0, 2 * half}, {"in=both", half, half}} {
		b.Run(in.name, func(b *testing.B) {
			s, err := filestore.Open(filepath.Join(b.TempDir(), "jr.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			log, _ := benchmarkLog(b, s, 0)
			fill := func() *eventlog.Session {
				session, err := log.Start(b.Context(), "t", nil)
				if err != nil {
					b.Fatal(err)
				}
				appendMany(b, session, in.file)
				if err := s.(store.CheckpointStore).Checkpoint(b.Context()); err != nil {
					b.Fatal(err)
				}
				appendMany(b, session, in.memory)
				return session
			}
			session, filled := fill(), time.Now()
			random := rand.New(rand.NewPCG(1, 1))
			b.ReportAllocs()
			for b.Loop() {
				if time.Since(filled) > fresh {
					b.StopTimer()
					session, filled = fill(), time.Now()
					b.StartTimer()
				}
				after := uint64(half - random.IntN(page))
				got, err := log.Read(b.Context(), session.Task(), session.ID(), after)
				if err != nil || len(got.Events) < page {
					b.Fatalf("a page has %d events: %v", len(got.Events), err)
				}
			}
		})
	}
}

// appendMany appends so many events in one batch.
func appendMany(b *testing.B, s *eventlog.Session, events int) {
	if events == 0 {
		return
	}
	if _, err := s.Append(b.Context(), slices.Repeat([]eventlog.Event{benchmarkEvent}, events)...); err != nil {
		b.Fatal(err)
	}
}

// One operation is one open of a store after a crash, with both halves of its journal
// nearly full, and nothing of them in the file.
func BenchmarkOpenFullJournal(b *testing.B) {
	path := filepath.Join(b.TempDir(), "jr.db")
	crashed := fullJournal(b, path)
	for b.Loop() {
		b.StopTimer()
		for name, data := range crashed {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		s, err := filestore.Open(path, nil)
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// fullJournal returns the files that a crash leaves when no checkpoint has reached the file.
func fullJournal(b *testing.B, path string) map[string][]byte {
	// 64 puts a change, 16+300+160 bytes in memory each: 1,000 changes are 29 MiB.
	const changes, puts = 1000, 64
	s, err := filestore.Open(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	number := uint64(0)
	change := func(tx store.Tx) error {
		for range puts {
			key := make([]byte, 16)
			number++
			binary.BigEndian.PutUint64(key, number*0x9E3779B97F4A7C15) // scattered
			tx.Put(store.Events, key, make([]byte, 300))
		}
		return nil
	}
	if err := s.Update(b.Context(), change); err != nil {
		b.Fatal(err)
	}
	files := map[string][]byte{}
	keep := func(name string) {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		files[name] = data
	}
	keep(path) // it says that its journal is in use, and has nothing of it
	for range changes {
		if err := s.Update(b.Context(), change); err != nil {
			b.Fatal(err)
		}
	}
	keep(path + "-journal.0")
	keep(path + "-journal.1")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return files
}

// One operation is one event on the disk, while another writer appends so much that a
// checkpoint always runs. scripts/bench-filesystems puts the journal elsewhere.
func BenchmarkAppendDuringCheckpoints(b *testing.B) {
	const sessions, batch = 1000, 200
	s, err := filestore.Open(filepath.Join(b.TempDir(), "jr.db"), &filestore.Options{JournalDir: os.Getenv("JRWEB_BENCH_JOURNAL_DIR")})
	if err != nil {
		b.Fatal(err)
	}
	log, started := benchmarkLog(b, s, sessions)
	measured, err := log.Start(b.Context(), "measured", nil)
	if err != nil {
		b.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	events := slices.Repeat([]eventlog.Event{benchmarkEvent}, batch)
	go func() {
		random := rand.New(rand.NewPCG(1, 1))
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if _, err := started[random.IntN(sessions)].Append(b.Context(), events...); err != nil {
				stopped <- fmt.Errorf("the other writer: %w", err)
				return
			}
		}
	}()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := measured.Append(b.Context(), benchmarkEvent); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	close(stop)
	if err := <-stopped; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns/op")
}
