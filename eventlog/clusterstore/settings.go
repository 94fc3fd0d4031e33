package clusterstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/store"
)

const (
	// oldestEngine is the first version whose servers always sync if they are told to.
	oldestEngine = "2.15.3"
	// leastPayload is what a message must be able to take: a request of 4 MiB, and what the
	// records of its events take beside them.
	leastPayload = 8 << 20
)

// check refuses an engine that would lose commits, or has no room for them, and a stream that
// holds something else. What is only weaker than it should be goes into e.weak.
func (e *engine) check(ctx context.Context, o *Options) error {
	if err := e.admit(); err != nil {
		return err
	}
	c := e.stream.CachedInfo().Config
	e.servers = c.Replicas
	if c.Replicas < 3 {
		e.weak = append(e.weak, store.FewServers)
	}
	if !o.SyncAlways {
		weak, err := e.askAll(ctx, o)
		if err != nil {
			return err
		}
		e.weak = append(e.weak, weak...)
	}
	if !c.DenyDelete || c.AllowRollup || c.AllowMsgTTL {
		e.weak = append(e.weak, store.Erasable)
	}
	if c.MaxMsgs > 0 || c.MaxBytes > 0 || c.MaxMsgsPerSubject > 0 {
		e.weak = append(e.weak, store.Bounded)
	}
	frail, err := e.checkSnapshots(ctx)
	if err != nil {
		return err
	}
	if frail {
		e.weak = append(e.weak, store.FrailSnapshots)
	}
	for _, w := range e.weak {
		o.Logger.Warn("the cluster promises less than it could", "weakness", string(w), "means", w.Text())
	}
	e.largest = min(int(e.conn.MaxPayload()), mostStored)
	if c.MaxMsgSize > 0 {
		e.largest = min(e.largest, int(c.MaxMsgSize))
	}
	e.largest -= headerRoom
	return nil
}

// admit returns why the engine or the stream cannot be used.
func (e *engine) admit() error {
	if err := admitVersion(e.conn.ConnectedServerVersion()); err != nil {
		return err
	}
	c := e.stream.CachedInfo().Config
	switch {
	case len(c.Subjects) != 1 || c.Subjects[0] != e.subject || c.Mirror != nil || len(c.Sources) > 0 || c.SubjectTransform != nil:
		return fmt.Errorf("the stream must have the subject %s and no other messages", e.subject)
	case c.Storage != jetstream.FileStorage:
		return errors.New("the stream is in memory: it would be gone after a restart of its servers; make it with file storage")
	case c.Retention != jetstream.LimitsPolicy || c.MaxAge != 0 || c.Discard == jetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0 || c.MaxMsgsPerSubject > 0):
		return errors.New("the stream has a limit beyond which it would forget commits")
	case c.NoAck || c.Sealed:
		return errors.New("the stream acknowledges nothing, or takes nothing")
	case c.PersistMode != jetstream.DefaultPersistMode:
		return errors.New("the stream acknowledges what it has not written: it must have the default persist mode")
	case e.conn.MaxPayload() < leastPayload:
		return fmt.Errorf("the NATS server takes messages of %d bytes, and must take %d (8 MiB): set its max_payload", e.conn.MaxPayload(), leastPayload)
	case c.MaxMsgSize > 0 && c.MaxMsgSize < leastPayload:
		return fmt.Errorf("the stream takes messages of %d bytes, and must take %d (8 MiB)", c.MaxMsgSize, leastPayload)
	}
	return nil
}

// checkSnapshots refuses a stream of snapshots that would lose them, or not take them, if there is
// one yet. frail says that it is weaker than that of the commits.
func (e *engine) checkSnapshots(ctx context.Context) (frail bool, err error) {
	s := e.shelf(0)
	err = insist(ctx, func(ctx context.Context) error { return absentIsNil(s.find(ctx)) })
	if err != nil || s.stream == nil {
		return false, err
	}
	c := s.stream.CachedInfo().Config
	return c.Replicas < s.replicas || !c.DenyDelete || c.AllowRollup || c.AllowMsgTTL || c.MaxMsgs > 0 || c.MaxBytes > 0, s.admit()
}

// admit returns why the stream of the snapshots cannot be used.
func (s *shelf) admit() error {
	c := s.stream.CachedInfo().Config
	switch {
	case len(c.Subjects) != 1 || c.Subjects[0] != s.subjects+">" || c.Mirror != nil || len(c.Sources) > 0 || c.SubjectTransform != nil:
		return fmt.Errorf("the stream %s must have the subject %s> and no other messages", s.name, s.subjects)
	case c.Storage != jetstream.FileStorage:
		return fmt.Errorf("the stream %s is in memory: the snapshots would be gone after a restart of its servers, and with them what the commits have been purged behind; make it with file storage", s.name)
	case c.Retention != jetstream.LimitsPolicy || c.MaxAge != 0 || c.Discard == jetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0):
		return fmt.Errorf("the stream %s has a limit beyond which it would forget snapshots", s.name)
	case c.NoAck || c.Sealed || c.DenyPurge:
		return fmt.Errorf("the stream %s acknowledges nothing, or takes nothing, or lets nobody remove old snapshots", s.name)
	case c.PersistMode != jetstream.DefaultPersistMode:
		return fmt.Errorf("the stream %s acknowledges what it has not written: it must have the default persist mode", s.name)
	case c.MaxMsgSize > 0 && c.MaxMsgSize < partBytes+headerRoom:
		return fmt.Errorf("the stream %s takes messages of %d bytes, and must take %d", s.name, c.MaxMsgSize, partBytes+headerRoom)
	}
	return nil
}

// admitVersion returns why servers of a version cannot be used.
func admitVersion(version string) error {
	if olderThan(version, oldestEngine) {
		return fmt.Errorf("a NATS server is version %s, and all must be %s or later: earlier ones may lose what they have acknowledged", version, oldestEngine)
	}
	return nil
}

// olderThan compares versions by their numbers. A text that is not a version is not older.
func olderThan(version, than string) bool {
	version, _, _ = strings.Cut(version, "-")
	v, t := strings.Split(version, "."), strings.Split(than, ".")
	for i := range t {
		if i == len(v) {
			return true
		}
		a, errA := strconv.Atoi(v[i])
		b, errB := strconv.Atoi(t[i])
		if errA != nil || errB != nil || a != b {
			return errA == nil && errB == nil && a < b
		}
	}
	return false
}

// everyServer is the question that asks all servers about their JetStream. Only a user of the
// system account may ask it.
const everyServer = "$SYS.REQ.SERVER.PING.JSZ"

// askAll returns what is weak about the syncs of the servers, or why one of them cannot be used.
func (e *engine) askAll(ctx context.Context, o *Options) ([]store.Weakness, error) {
	if o.SystemURL == "" {
		return []store.Weakness{store.UnknownSync}, nil
	}
	servers, err := askServers(ctx, o, e.servers)
	late := false
	for _, s := range servers {
		if err := admitVersion(s.version); err != nil {
			return nil, err
		}
		late = late || !s.always
	}
	switch {
	case late:
		return []store.Weakness{store.LateSync}, nil
	case err != nil:
		o.Logger.Warn("the servers of the cluster could not be asked whether they sync always", "error", err)
		return []store.Weakness{store.UnknownSync}, nil
	}
	return nil, nil
}

// answered is what a server says of itself.
type answered struct {
	version string
	always  bool // it syncs before it acknowledges
}

// askServers asks the servers about themselves, until as many as keep the stream have answered.
// It waits a moment for the answers that come after those.
func askServers(ctx context.Context, o *Options, least int) (servers map[string]answered, err error) {
	servers = map[string]answered{}
	asks := *o
	asks.denied = nil // a user who may not ask leaves it unknown
	options, err := connection(&asks)
	if err != nil {
		return servers, err
	}
	conn, err := nats.Connect(o.SystemURL, options...)
	if err != nil {
		return servers, err
	}
	defer conn.Close()
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err == nil {
		err = conn.PublishRequest(everyServer, inbox, nil)
	}
	if err != nil {
		return servers, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	for {
		waits, stop := ctx, func() {}
		if len(servers) >= least {
			waits, stop = context.WithTimeout(ctx, pause)
		}
		m, err := answers.NextMsgWithContext(waits)
		stop()
		if err != nil && len(servers) >= least {
			return servers, nil
		}
		if err != nil {
			return servers, fmt.Errorf("%d of at least %d servers have answered: %w", len(servers), least, err)
		}
		var said struct {
			Server struct{ ID, Ver string }
			Data   struct {
				Disabled bool
				Config   struct {
					SyncAlways   bool          `json:"sync_always"`
					SyncInterval time.Duration `json:"sync_interval"`
				}
			}
		}
		if err := json.Unmarshal(m.Data, &said); err != nil || said.Server.ID == "" {
			return servers, errors.Join(errors.New("the answer of a server is not understood"), err)
		}
		if !said.Data.Disabled {
			servers[said.Server.ID] = answered{said.Server.Ver, said.Data.Config.SyncAlways}
		}
	}
}
