package model

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is the model. Its methods may be called concurrently.
type Server struct {
	URL string
	// Name is a part of all ids: those of two models are never the same.
	Name string
	// Before is called with each answer before it is given, if it is there.
	Before func(*Answer)

	http    *httptest.Server
	mu      sync.Mutex
	threads map[string][]Turn
	next    map[string]int
	latest  string // the thread that was told something last
	answers []Answer
	stalled chan struct{}
}

// Answer is a request of the agent, and what it was told.
type Answer struct {
	Path   string
	Model  string
	Body   json.RawMessage // of the request
	Tools  []string        // that the agent offered
	Thread string          // "" is a chore
	Number int             // of the turn in its thread, from 1
	Turn   Turn
	// Surplus says that the script had no more turns.
	Surplus bool

	name string // of the model
}

// mostStall is how long an answer stalls at most.
const mostStall = 10 * time.Minute

// Serve starts a model on loopback.
func Serve(name string) *Server {
	s := &Server{Name: name, stalled: make(chan struct{}, 1)}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	return s
}

// Close ends it, and whatever answer is under way.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// Play gives the model a new script: turns by thread. What was answered is forgotten.
func (s *Server) Play(threads map[string][]Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads, s.next, s.answers = threads, map[string]int{}, nil
	select {
	case <-s.stalled:
	default: // nothing stalled
	}
}

// Answers tells what was answered since Play.
func (s *Server) Answers() []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}

// Stalled is sent to when an answer has told all that it tells before it stalls.
func (s *Server) Stalled() <-chan struct{} { return s.stalled }

// question is what is common to the requests of all APIs.
type question struct {
	Model  string
	Stream bool
	Words  []string // texts of persons, in order
	Tools  []string
}

// dialect is one API.
type dialect interface {
	// ask reads a request.
	ask(path string, body []byte) (question, error)
	// whole is the answer in one piece, and pieces the same as a stream.
	whole(a *Answer) any
	pieces(a *Answer) []piece
	failure(f *Failure) any
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the agent has gone
	}
	var d dialect
	switch path := r.URL.Path; {
	case r.Method != http.MethodPost:
		writeJSON(w, http.StatusOK, map[string]any{"data": []any{}, "models": []any{}})
		return
	case strings.HasSuffix(path, "/count_tokens"):
		writeJSON(w, http.StatusOK, map[string]any{"input_tokens": 10})
		return
	case strings.HasSuffix(path, ":countTokens"):
		writeJSON(w, http.StatusOK, map[string]any{"totalTokens": 10})
		return
	case strings.HasSuffix(path, "/messages"):
		d = anthropic{}
	case strings.HasSuffix(path, "/responses"):
		d = responses{}
	case strings.HasSuffix(path, "/chat/completions"):
		d = chat{}
	case strings.HasSuffix(path, "enerateContent"):
		d = gemini{}
	default:
		writeJSON(w, http.StatusNotFound, map[string]any{"error": map[string]any{"message": "there is no " + path}})
		return
	}
	q, err := d.ask(r.URL.Path, body)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": err.Error()}})
		return
	}
	a := s.answer(r.URL.Path, body, q)
	if s.Before != nil {
		s.Before(&a)
	}
	switch {
	case a.Turn.Fail != nil:
		if after := a.Turn.Fail.RetryAfter; after > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(int(after/time.Second)))
		}
		writeJSON(w, a.Turn.Fail.Status, d.failure(a.Turn.Fail))
	case q.Stream:
		writePieces(w, d.pieces(&a))
		if a.Turn.Stall {
			s.stall(r)
		}
	default:
		writeJSON(w, http.StatusOK, d.whole(&a))
	}
}

func (s *Server) stall(r *http.Request) {
	select {
	case s.stalled <- struct{}{}:
	default: // it is known
	}
	select {
	case <-r.Context().Done():
	case <-time.After(mostStall):
	}
}

// Title is what an agent hears that asks for something beside its work. Mostly that is
// a title.
const Title = "A short title"

// mark is how the words of a person name a thread.
var mark = regexp.MustCompile(`\[([a-z][a-z0-9-]*)\]`)

// Summary is the thread of the requests to sum up, if the script has it: an agent makes
// them when its context is full. Once it is told, what looks like such a request is what
// the agent made of the summary.
const Summary = "summary"

// summary is how agents ask to sum up what was said.
var summary = regexp.MustCompile(`(?i)\b(create|write|provide|generate|produce|update)\b[^.]*\b(summary|state_snapshot|prompt for continuing)`)

// answer chooses the turn that answers a question.
func (s *Server) answer(path string, body []byte, q question) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Answer{name: s.Name, Path: path, Model: q.Model, Body: body, Tools: q.Tools, Turn: Turn{Text: Title, Tokens: Chore}}
	switch {
	case s.next[Summary] < len(s.threads[Summary]) && len(q.Words) > 0 && summary.MatchString(q.Words[len(q.Words)-1]):
		a.Thread = Summary
	case len(q.Tools) > 0:
		a.Thread = s.thread(q.Words)
		if a.Thread == "" && s.next[Summary] > 0 {
			a.Thread = s.latest // what the agent made of the summary does not name it
		}
		s.latest = a.Thread
	}
	if a.Thread != "" {
		turns, n := s.threads[a.Thread], s.next[a.Thread]
		a.Number = n + 1
		if n < len(turns) {
			a.Turn = turns[n]
		} else {
			a.Surplus = true
		}
		if a.Turn.Fail == nil || !a.Turn.Fail.Forever {
			s.next[a.Thread]++
		}
	} else {
		s.next[""]++
		a.Number = s.next[""]
	}
	s.answers = append(s.answers, a)
	return a
}

// thread finds the thread of the script that is named last.
func (s *Server) thread(words []string) string {
	for _, text := range slices.Backward(words) {
		for _, found := range slices.Backward(mark.FindAllStringSubmatch(text, -1)) {
			if _, ok := s.threads[found[1]]; ok {
				return found[1]
			}
		}
	}
	return ""
}

// id is an id for an answer, or a part of one, that is the same in each run.
func (a *Answer) id(prefix string) string {
	thread := a.Thread
	if thread == "" {
		thread = "chore"
	}
	return fmt.Sprintf("%s_%s_%s_%03d", prefix, a.name, thread, a.Number)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // made of constants
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the agent may have gone
}
