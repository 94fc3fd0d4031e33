package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSoak lets writers, readers that come and go, and people at pages use a server for a
// while: 5 s, with JRWEB_TORTURE set 10 minutes. Every reader sees every event once and in
// order over all of its connections, and at the end the server holds no more than near the
// beginning: memory, files and streams.
func TestSoak(t *testing.T) {
	t.Parallel()
	length := 5 * time.Second
	if torture() {
		length = 10 * time.Minute
	}
	s := serve(t)
	const writers = 4
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var written, read, connections, lists atomic.Int64

	var writing, all sync.WaitGroup
	for w := range writers {
		task := fmt.Sprintf("w-%d", w)
		s.append(task, says("0"))
		writing.Go(func() {
			pace := time.NewTicker(10 * time.Millisecond)
			defer pace.Stop()
			var last appended
			for n := 1; ctx.Err() == nil; n++ {
				<-pace.C
				events := make([]string, 1+n%5)
				for i := range events {
					events[i] = says("%d", n)
				}
				last = s.append(task, events...)
				written.Add(int64(len(events)))
				if n%150 == 0 {
					s.complete(task, last.Session)
				}
			}
			s.append(task, says("the last"))
		})
		for range 2 {
			all.Go(func() {
				f := &soakReader{t: t, url: s.url + "/tasks/" + task + "/events/stream?sessions=all"}
				for !f.done && f.connect(rand.IntN(500)+1) {
					connections.Add(1)
				}
				read.Add(f.events)
			})
		}
	}
	for range 2 {
		all.Go(func() { // a page with the list
			for ctx.Err() == nil {
				part, stop := context.WithTimeout(ctx, time.Second)
				if err := readFeed(part, s.url+"/stream"); err != nil && part.Err() == nil {
					t.Error(err)
				}
				stop()
			}
		})
	}
	all.Go(func() { // tasks that come and go
		for n := 0; ctx.Err() == nil; n++ {
			task := fmt.Sprintf("churn-%d", n%10)
			s.append(task, says("here"))
			s.delete("/tasks/" + task)
		}
	})
	all.Go(func() { // who looks
		for ctx.Err() == nil {
			for _, path := range []string{"/tasks", "/", "/metrics", "/tasks/w-0/events?last=100", "/tasks/w-0/sessions", "/readyz"} {
				res, err := http.Get(s.url + path)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("%s: %s %v", path, res.Status, err)
				}
				lists.Add(1)
			}
		}
	})
	select { // what a server takes that has warmed up
	case <-time.After(length / 5):
	case <-t.Context().Done():
	}
	memory, files := s.memory(), s.files()
	writing.Wait()
	all.Wait()
	t.Logf("%d events written, %d read over %d connections, %d lists and pages; memory %d MiB, then %d; files %d, then %d",
		written.Load(), read.Load(), connections.Load(), lists.Load(), memory>>10, s.memory()>>10, files, s.files())
	if written.Load() < 100 || connections.Load() < 2*writers {
		t.Error("too little was done to tell anything")
	}
	if now := s.memory(); now > memory*3/2+64<<10 {
		t.Errorf("memory grew from %d to %d KiB", memory, now)
	}
	http.DefaultClient.CloseIdleConnections()
	if now := s.files(); now > files+20 {
		t.Errorf("open files grew from %d to %d", files, now)
	}
	s.stop()
	if strings.Contains(s.log.String(), "DATA RACE") || strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("its log:\n%s", s.log)
	}
	if out, err := exec.Command(binary, "check", "-db", s.db).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// files is how many files the server has open.
func (s *server) files() int {
	s.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(open)
}

// soakReader follows all sessions of a task over many connections.
type soakReader struct {
	t      *testing.T
	url    string
	cursor string
	events int64
	done   bool // it has seen the last event
}

// connect reads up to n events from where the last connection ended, or to the end. It
// returns false if something was wrong.
func (f *soakReader) connect(n int) bool {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		f.t.Error(err)
		return false
	}
	if f.cursor != "" {
		req.Header.Set("Last-Event-ID", f.cursor)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Error(err)
		return false
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for read := 0; read < n && !f.done; {
		if !lines.Scan() {
			f.t.Errorf("the stream ended after %s: %v", f.cursor, errors.Join(lines.Err(), ctx.Err()))
			return false
		}
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "id" && f.follows(value):
			f.cursor = value
		case name == "id", name == "event" && (value == "reset" || value == "gap"):
			f.t.Errorf("after %s came %q", f.cursor, lines.Text())
			return false
		case name == "data":
			f.events++
			read++
			f.done = strings.Contains(value, "the last")
		}
	}
	return true
}

// follows reports whether an event comes right after the last one.
func (f *soakReader) follows(id string) bool {
	session, text, _ := strings.Cut(id, ":")
	sequence, err := strconv.Atoi(text)
	if err != nil {
		return false
	}
	lastSession, lastText, _ := strings.Cut(f.cursor, ":")
	if session == lastSession {
		return text == strconv.Itoa(sequence) && fmt.Sprint(sequence-1) == lastText
	}
	return sequence == 1 && session > lastSession
}

// readFeed reads the stream of all tasks until ctx ends.
func readFeed(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is && !json.Valid([]byte(data)) {
			return fmt.Errorf("%q is no JSON", data)
		}
	}
	return errors.Join(lines.Err(), errors.New("the stream of all tasks ended"))
}
