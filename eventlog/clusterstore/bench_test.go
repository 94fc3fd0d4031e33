package clusterstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/internal/natstest"
)

// BenchmarkAppend appends at the writer, at another replica, and at all three at once, each
// beside a server of its own. It reports what the slowest replica got of what the fastest got.
func BenchmarkAppend(b *testing.B) {
	servers, _ := natstest.StartCluster(b, 3)
	logs := make([]*log, len(servers))
	for i, s := range servers {
		logs[i] = logOn(b, openReplica(b, filepath.Join(b.TempDir(), "jr.db"), s.URL, &clusterstore.Options{Replicas: 3}), nil)
	}
	for _, c := range []struct {
		name    string
		logs    []*log
		writers int
	}{
		{"at=writer", logs[:1], 1}, {"at=writer", logs[:1], 64},
		{"at=other", logs[1:2], 1}, {"at=other", logs[1:2], 64},
		{"at=all", logs, 64},
	} {
		b.Run(fmt.Sprintf("%s/writers=%d", c.name, c.writers), func(b *testing.B) {
			type done struct {
				replica int
				err     error
			}
			appended, stop := make(chan done), make(chan struct{})
			for i, l := range c.logs {
				for w := range c.writers {
					s := l.start(fmt.Sprintf("t-%d-%d-%d", b.N, i, w), &eventlog.StartOptions{Concurrent: true})
					go func() {
						for {
							_, err := s.Append(b.Context(), says("a few words, as agents say them in most of what they do"))
							select {
							case appended <- done{i, err}:
							case <-stop:
								return
							}
						}
					}()
				}
			}
			counts := make([]int, len(c.logs))
			began, n := time.Now(), 0
			for b.Loop() {
				d := <-appended
				if d.err != nil {
					b.Fatal(d.err)
				}
				counts[d.replica]++
				n++
			}
			close(stop)
			b.ReportMetric(float64(n)/time.Since(began).Seconds(), "appends/s")
			least, most := counts[0], counts[0]
			for _, n := range counts {
				least, most = min(least, n), max(most, n)
			}
			if len(counts) > 1 {
				b.ReportMetric(float64(least)/float64(most), "slowest/fastest")
			}
		})
	}
}
