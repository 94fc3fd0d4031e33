package clusterstore

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// snapshot is what the catalog says of one.
type snapshot struct {
	ID       string    `json:"id"`
	Stream   string    `json:"stream"`   // the id of the stream, hexadecimal
	Position uint64    `json:"position"` // of the last message that it has
	Link     string    `json:"link"`     // the hash of that message
	Bytes    int64     `json:"bytes"`    // of the file
	Hash     string    `json:"hash"`     // SHA-256 of the file
	Stored   int64     `json:"stored"`   // bytes of the parts
	Parts    int       `json:"parts"`
	Taken    time.Time `json:"taken"`
}

// place is where a replica is that begins with the snapshot.
func (s snapshot) place() (at filestore.Place, err error) {
	journal, err := hex.DecodeString(s.Stream)
	link, linkErr := hex.DecodeString(s.Link)
	if err != nil || linkErr != nil || len(journal) != len(at.Journal) || len(link) != len(at.Link) {
		return at, fmt.Errorf("%w: the catalog of the snapshots cannot be read", store.ErrDamaged)
	}
	return filestore.Place{Journal: [16]byte(journal), Position: s.Position, Link: [32]byte(link)}, nil
}

// catalog says which snapshots are whole, and who makes the next one. It is one message, of
// which the newest counts. Each change names the one that it replaces, so only one of several
// that are made at the same time succeeds.
type catalog struct {
	Version   int        `json:"version"`
	Claim     string     `json:"claim,omitempty"` // names the snapshot that is being made
	Snapshots []snapshot `json:"snapshots"`       // the newest first
	// Origin is the hash of what a database held that the cluster began with.
	Origin   string `json:"origin,omitempty"`
	revision uint64
}

const (
	catalogVersion = 1
	// kept is how many snapshots are kept. The stream keeps what comes after the oldest of
	// them, so each of them is enough.
	kept = 2
)

// newest is the newest snapshot, zero if there is none.
func (c catalog) newest() (s snapshot) {
	if len(c.Snapshots) > 0 {
		s = c.Snapshots[0]
	}
	return s
}

func (c catalog) has(id string) bool {
	for _, s := range c.Snapshots {
		if s.ID == id {
			return true
		}
	}
	return false
}

// shelf is the stream in which snapshots lie, in parts, and their catalog. It belongs to one
// goroutine until the stream is found.
type shelf struct {
	js       jetstream.JetStream
	stream   jetstream.Stream // nil until it is found
	name     string
	subjects string // the beginning of all subjects
	replicas int
	wait     time.Duration // bounds each step
}

func (e *engine) shelf(wait time.Duration) *shelf {
	c := e.stream.CachedInfo().Config
	return &shelf{js: e.js, name: c.Name + "-snapshots", subjects: e.subject + ".snapshots.", replicas: c.Replicas, wait: wait}
}

func (s *shelf) catalogSubject() string { return s.subjects + "catalog" }

func (s *shelf) part(id string, n int) string { return fmt.Sprintf("%s%s.%d", s.subjects, id, n) }

// ask asks the engine until there is an answer.
func (s *shelf) ask(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	return insist(ctx, ask)
}

// load reads the catalog. It is empty if there is none.
func (s *shelf) load(ctx context.Context) (c catalog, err error) {
	err = s.ask(ctx, func(ctx context.Context) error {
		c = catalog{Version: catalogVersion}
		m, err := s.get(ctx, s.catalogSubject())
		if err != nil || m == nil {
			return err
		}
		c.revision = m.Sequence
		if err := json.Unmarshal(m.Data, &c); err != nil {
			return fmt.Errorf("%w: the catalog of the snapshots: %w", store.ErrDamaged, err)
		}
		return nil
	})
	if err == nil && c.Version != catalogVersion {
		err = fmt.Errorf("%w: the catalog of the snapshots is of another version: use a newer jrweb", store.ErrFormat)
	}
	return c, err
}

// get returns the message of a subject, nil if there is none.
func (s *shelf) get(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	if err := s.find(ctx); err != nil {
		return nil, absentIsNil(err)
	}
	m, err := s.stream.GetLastMsgForSubject(ctx, subject)
	return m, absentIsNil(err)
}

// find finds the stream.
func (s *shelf) find(ctx context.Context) (err error) {
	if s.stream == nil {
		s.stream, err = s.js.Stream(ctx, s.name)
	}
	return err
}

func absentIsNil(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return err
}

// errTaken: another replica has changed the catalog.
var errTaken = errors.New("another replica makes a snapshot")

// save replaces the catalog that was loaded.
func (s *shelf) save(ctx context.Context, c *catalog) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	err = s.ask(ctx, func(ctx context.Context) error {
		ack, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: s.catalogSubject(), Data: raw}, jetstream.WithExpectLastSequencePerSubject(c.revision))
		if err == nil {
			c.revision = ack.Sequence
		}
		return err
	})
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence && api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequenceConstant {
		return err
	}
	// It may be this very catalog that is there, and its answer was lost: no two of them are the
	// same, except those that renew a claim.
	now, err := s.load(ctx)
	if err != nil {
		return err
	}
	if there, err := json.Marshal(now); err != nil || string(there) != string(raw) {
		return errTaken
	}
	c.revision = now.revision
	return nil
}

// create makes the stream, if there is none.
func (s *shelf) create(ctx context.Context) error {
	err := s.ask(ctx, func(ctx context.Context) error {
		_, err := s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: s.name, Subjects: []string{s.subjects + ">"}, Storage: jetstream.FileStorage, Replicas: s.replicas,
			MaxMsgsPerSubject: 1, DenyDelete: true,
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = nil // its operator has made it, with other settings
		}
		if err != nil {
			return err
		}
		return s.find(ctx)
	})
	if err != nil {
		return err
	}
	return s.admit()
}

// sweep removes the parts of all snapshots that are not in the catalog: of older ones, and of
// those that were not finished.
func (s *shelf) sweep(ctx context.Context, c catalog) error {
	surplus := make(map[string]bool)
	err := s.ask(ctx, func(ctx context.Context) error {
		if err := s.find(ctx); err != nil {
			return err
		}
		info, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(s.subjects+"*.*"))
		if err != nil {
			return err
		}
		for subject := range info.State.Subjects {
			id, _, _ := strings.Cut(strings.TrimPrefix(subject, s.subjects), ".")
			if !c.has(id) {
				surplus[id] = true
			}
		}
		return nil
	})
	for id := range surplus {
		if err == nil {
			err = s.ask(ctx, func(ctx context.Context) error {
				return s.stream.Purge(ctx, jetstream.WithPurgeSubject(s.subjects+id+".*"))
			})
		}
	}
	return err
}
