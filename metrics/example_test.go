package metrics_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog"
	"jrweb/metrics"
)

func Example() {
	dir, err := os.MkdirTemp("", "jrweb")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	if err != nil {
		log.Fatal(err)
	}
	events, err := eventlog.Open(filepath.Join(dir, "jr.db"), &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	m.CollectLog(events)

	ctx := context.Background()
	session, err := events.Start(ctx, "t-197.4", nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := session.Append(ctx, eventlog.Event{Type: "thought", Data: []byte(`{"content":"Let me look."}`)}); err != nil {
		log.Fatal(err)
	}

	// A program serves them with promhttp.HandlerFor(reg, …).
	families, err := reg.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "jrweb_sessions_open" {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: jrweb_sessions_open 1
}
