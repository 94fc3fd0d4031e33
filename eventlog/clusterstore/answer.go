package clusterstore

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"

	"jrweb/eventlog/filestore"
)

// Every replica that runs answers where it is, on a subject beside the stream. It is asked by
// [Check].

// question is what a replica is asked. If At is not 0, it sums up what it holds at that
// position, and says so in a second answer.
type question struct {
	At uint64 `json:"at,omitempty"`
}

// answerOf is what a replica says of itself.
type answerOf struct {
	ID       string `json:"id"`   // of this opening of the replica
	Name     string `json:"name"` // machine and process, for people
	Stream   string `json:"stream"`
	Position uint64 `json:"position"`
	Link     string `json:"link"`
	// Sum is what it holds at Position.
	Sum *sumOf `json:"sum,omitempty"`
	// Failed is why there is no sum: the replica no longer works, or the position has passed, or
	// is not reached.
	Failed string `json:"failed,omitempty"`
}

type sumOf struct {
	Records int64  `json:"records"`
	Hash    string `json:"hash"`
}

// place is where the replica was.
func (a answerOf) place() (filestore.Place, error) {
	return snapshot{Stream: a.Stream, Position: a.Position, Link: a.Link}.place()
}

func (e *engine) replicasSubject() string { return e.subject + ".replicas" }

// answerQuestions answers questions until the connection ends.
func (r *replica) answerQuestions() error {
	host, _ := os.Hostname() // for people
	self := answerOf{ID: newID(), Name: fmt.Sprintf("%s, process %d", host, os.Getpid())}
	_, err := r.engine.conn.Subscribe(r.engine.replicasSubject(), func(m *nats.Msg) {
		var q question
		if json.Unmarshal(m.Data, &q) != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		now := self
		if err := r.working(); err != nil {
			now.Failed = err.Error()
		} else if q.At > 0 {
			r.running.Go(func() { r.answerSum(m, self, q.At) })
		}
		r.respond(m, now, r.file.Place())
	})
	return err
}

// respond answers. The caller notices a missing answer.
func (r *replica) respond(m *nats.Msg, a answerOf, at filestore.Place) {
	a.Stream, a.Position, a.Link = hex.EncodeToString(at.Journal[:]), at.Position, hex.EncodeToString(at.Link[:])
	raw, err := json.Marshal(a)
	if err == nil {
		err = m.Respond(raw)
	}
	if err != nil {
		r.o.Logger.Debug("a question about this replica is not answered", "error", err)
	}
}

// answerSum answers what the replica holds at a position that is to come.
func (r *replica) answerSum(m *nats.Msg, self answerOf, position uint64) {
	at, sum, err := r.sumAt(position)
	if err != nil {
		self.Failed = err.Error()
	} else {
		self.Sum = &sumOf{Records: sum.Records, Hash: hex.EncodeToString(sum.Hash[:])}
	}
	r.respond(m, self, at)
}
