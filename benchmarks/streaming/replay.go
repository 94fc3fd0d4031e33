package streaming

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/processor"
	"jrweb/benchmarks/internal/report"
	"jrweb/eventlog"
)

// replayEvents is how many events a session has that is read from its beginning.
const replayEvents = 100_000

const (
	replays   = "replays/s"
	megabytes = "MB/s"
	serverUse = "server, processors in use"
	clientUse = "client, processors in use"
)

// recorded is a session that has ended, as a log and as the bytes of its stream.
type recorded struct {
	log, body string
}

// replaying compares how fast a client gets a whole session.
func replaying() *report.Experiment {
	small, large := &recorded{}, &recorded{}
	contender := func(name string, measure func(context.Context, report.Round) (report.Figures, error)) report.Contender {
		return report.Contender{Name: name, Measure: measure}
	}
	jrweb := func(name string, rec *recorded, h2c bool) report.Contender {
		return contender(name, func(ctx context.Context, r report.Round) (report.Figures, error) {
			return measureReplay(ctx, r, h2c, "jrweb", rec.log)
		})
	}
	serveContent := func(name string, rec *recorded) report.Contender {
		return contender(name, func(ctx context.Context, r report.Round) (report.Figures, error) {
			return measureReplay(ctx, r, true, "ServeContent", rec.body)
		})
	}
	nginx := func(name string, rec *recorded) report.Contender {
		return contender(name, func(ctx context.Context, r report.Round) (report.Figures, error) {
			return measureNginx(ctx, r, rec.body)
		})
	}
	row := func(name, ours, rival string, wanted float64, reason string) report.Row {
		return report.Row{
			Name: name, Ours: report.Figure{Contender: ours, Metric: replays}, Rival: report.Figure{Contender: rival, Metric: replays},
			Wanted: report.AtLeast(wanted), Reason: reasons[reason],
		}
	}
	return &report.Experiment{
		Title: "Replay",
		Note: "One client reads a session of 100,000 events that has ended, from its beginning, again and again, each time over a new connection, and counts the events. " +
			"It is one thread over raw sockets, in a process of its own; both use the same cores. nginx (sendfile) and http.ServeContent serve a file of the same bytes.",
		Before: func(ctx context.Context, dir string) error {
			return errors.Join(small.make(ctx, filepath.Join(dir, "small"), eventBytes), large.make(ctx, filepath.Join(dir, "large"), 2000))
		},
		Contenders: []report.Contender{
			jrweb("jrweb, 300 B", small, false), nginx("nginx, 300 B", small),
			jrweb("jrweb, 2 KB", large, false), nginx("nginx, 2 KB", large),
			jrweb("jrweb, 300 B, h2c", small, true), serveContent("ServeContent, 300 B, h2c", small),
			jrweb("jrweb, 2 KB, h2c", large, true), serveContent("ServeContent, 2 KB, h2c", large),
		},
		Rows: []report.Row{
			row("replay of 100,000 events over HTTP/1.1, 300 B, vs nginx static", "jrweb, 300 B", "nginx, 300 B", 0.7, "replay"),
			row("replay of 100,000 events over HTTP/1.1, 2 KB, vs nginx static", "jrweb, 2 KB", "nginx, 2 KB", 0.8, "replay"),
			row("replay over h2c, 300 B, vs http.ServeContent over h2c", "jrweb, 300 B, h2c", "ServeContent, 300 B, h2c", 0.7, "replay h2c"),
			row("replay over h2c, 2 KB, vs http.ServeContent over h2c", "jrweb, 2 KB, h2c", "ServeContent, 2 KB, h2c", 0.7, "replay h2c"),
		},
	}
}

// make records a session with so many bytes in each event.
func (rec *recorded) make(ctx context.Context, dir string, size int) error {
	if err := os.Mkdir(dir, 0o755); err != nil { // nginx may read it as another user
		return err
	}
	rec.log, rec.body = filepath.Join(dir, "jr.db"), filepath.Join(dir, "body")
	if err := record(ctx, rec.log, size); err != nil {
		return err
	}
	server, err := hireServer([]string{"jrweb", rec.log})
	if err != nil {
		return err
	}
	return errors.Join(rec.fetch(ctx, server), server.Stop())
}

func record(ctx context.Context, path string, size int) (err error) {
	log, err := eventlog.Open(path, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	session, err := log.Start(ctx, task, nil)
	if err != nil {
		return err
	}
	const together = 1000
	batch := make([]eventlog.Event, together)
	for i := range batch {
		batch[i] = event(payload(size))
	}
	for range replayEvents / together {
		if _, err := session.Append(ctx, batch...); err != nil {
			return err
		}
	}
	return session.Complete(ctx, eventlog.Succeeded, "")
}

// fetch writes the bytes of the stream into a file.
func (rec *recorded) fetch(ctx context.Context, server *child.Worker) (err error) {
	var at place
	if err := server.Ask(ctx, "where", struct{}{}, &at); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.Address+at.Path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch %s: %s", at.Path, answer.Status)
	}
	file, err := os.Create(rec.body)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, answer.Body)
	return errors.Join(err, file.Close())
}

// measureReplay measures a server of this program.
func measureReplay(ctx context.Context, r report.Round, h2c bool, kind ...string) (figures report.Figures, err error) {
	server, err := hireServer(kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	var at place
	if err := server.Ask(ctx, "where", struct{}{}, &at); err != nil {
		return nil, err
	}
	return readReplays(ctx, r, server.Pid, replay{place: at, H2C: h2c})
}

func measureNginx(ctx context.Context, r report.Round, file string) (figures report.Figures, err error) {
	server, at, err := startNginx(ctx, r.Dir, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return readReplays(ctx, r, server.Pid, replay{place: at})
}

func readReplays(ctx context.Context, r report.Round, pid int, q replay) (figures report.Figures, err error) {
	client, err := child.Hire(clientCommand)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Stop()) }()
	q.Events = replayEvents + 1 // and the end
	q.Duration = time.Nanosecond
	if err := client.Ask(ctx, "replay", q, nil); err != nil { // one, to warm up
		return nil, err
	}
	var done replayed
	used, err := processor.Use(func() error {
		q.Duration = r.Duration
		return client.Ask(ctx, "replay", q, &done)
	}, pid, client.Pid)
	if err != nil {
		return nil, err
	}
	return report.Figures{
		replays:   float64(done.Replays) / done.Took.Seconds(),
		megabytes: float64(done.Bytes) / 1e6 / done.Took.Seconds(),
		serverUse: used[0], clientUse: used[1],
	}, nil
}
