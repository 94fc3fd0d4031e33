package clusterstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/store"
)

// engine is the stream, and the connection to the servers that keep it.
type engine struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	// largest is how many bytes a record may have.
	largest int
	servers int              // how many keep the stream
	weak    []store.Weakness // what its settings break
}

const (
	// requestTime bounds one request to the engine. The caller that needs the answer asks again.
	requestTime = 2 * time.Second
	// headerRoom is more than the headers of a message take, which count as its size.
	headerRoom = 512
	// mostStored is how much the engine stores as one message, whatever its settings: it takes
	// what is larger for damage.
	mostStored = 31 << 20
)

// connect connects to the engine, and makes the stream if there is none.
func connect(ctx context.Context, url, name string, o *Options) (_ *engine, err error) {
	e := &engine{subject: "jrweb." + name}
	options, err := connection(o)
	if err != nil {
		return nil, err
	}
	if e.conn, err = nats.Connect(url, options...); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			e.conn.Close()
		}
	}()
	if e.js, err = jetstream.New(e.conn); err != nil {
		return nil, err
	}
	tries := 0
	err = insist(ctx, func(ctx context.Context) error {
		e.stream, err = e.js.Stream(ctx, name)
		switch {
		case !errors.Is(err, jetstream.ErrStreamNotFound) || o.existing:
		case o.Join:
			err = errNoStream
		default:
			// If another replica makes it just now, it makes the same.
			e.stream, err = e.js.CreateStream(ctx, jetstream.StreamConfig{
				Name: name, Subjects: []string{e.subject}, Storage: jetstream.FileStorage, Replicas: o.Replicas, DenyDelete: true, FirstSeq: o.first,
			})
		}
		if tries++; err != nil && tries == patient {
			o.Logger.Warn("the engine of the cluster does not have the stream yet", "error", err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, e.check(ctx, o)
}

var errNoStream = errors.New("there is no such stream yet, and this replica waits until another one makes it")

// patient is how many times the engine may fail at the start before somebody is told.
const patient = 20

// The codes of errors that are not what their class says.
const (
	noPeers      = 10005 // the servers do not know enough others yet
	notClustered = 10074 // a server alone cannot keep several replicas
)

// loadTime is how long a server that has just started may not know a stream that it should keep.
const loadTime = 5 * time.Second

// insist asks the engine until there is an answer, or ctx ends: servers that have just started
// must first find each other, and load the streams.
func insist(ctx context.Context, ask func(context.Context) error) error {
	var unknown time.Time // since when the engine does not know the stream
	for {
		one, cancel := context.WithTimeout(ctx, requestTime)
		err := ask(one)
		cancel()
		if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			if unknown.IsZero() {
				unknown = time.Now()
			}
			if time.Since(unknown) >= loadTime {
				return err
			}
		} else if err == nil || isFinal(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// isFinal reports whether it is of no use to ask again.
func isFinal(err error) bool {
	if api, is := errors.AsType[*jetstream.APIError](err); is {
		return api.ErrorCode == notClustered || api.Code < 500 && api.ErrorCode != noPeers
	}
	return errors.Is(err, errGone) || errors.Is(err, store.ErrDamaged)
}

// answer is what the engine says to a record.
type answer int

const (
	stored  answer = iota // at its position
	taken                 // it is not stored now: there is, or may soon be, another one at its position
	nobody                // it is not stored now: the stream has no leader
	unknown               // there is none that says so
	absurd                // it is stored where it cannot be
)

// publish asks the engine to store a record at a position. To ask again is harmless: at a
// position there is one message. The error says why the answer is not that it is stored.
func (e *engine) publish(ctx context.Context, position uint64, record []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	ack, err := e.js.PublishMsg(ctx, &nats.Msg{Subject: e.subject, Data: record},
		jetstream.WithExpectLastSequence(position-1), jetstream.WithMsgID(messageID(record)), jetstream.WithRetryAttempts(0))
	if err == nil {
		if ack.Sequence != position {
			return absurd, fmt.Errorf("%w: the engine stored message %d as %d", store.ErrDamaged, position, ack.Sequence)
		}
		return stored, nil
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return taken, err
		}
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return nobody, err
	}
	return unknown, err
}

// state returns which messages the stream has.
func (e *engine) state(ctx context.Context) (state jetstream.StreamState, err error) {
	err = insist(ctx, func(ctx context.Context) error {
		info, err := e.stream.Info(ctx, jetstream.WithDeletedDetails(true))
		if err == nil {
			state = info.State
		}
		return err
	})
	return state, err
}

// get returns the message at a position, nil if there is none. If ctx has no deadline, get asks
// as long as for any request.
func (e *engine) get(ctx context.Context, position uint64) ([]byte, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTime)
		defer cancel()
	}
	m, err := e.stream.GetMsg(ctx, position)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}

// idleHeartbeat is how often the engine must be heard of. After two of them without a word
// the consumer is recreated.
const idleHeartbeat = time.Second

// consume begins to read the messages from a position on.
func (e *engine) consume(ctx context.Context, from uint64) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	c, err := e.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return nil, err
	}
	return c.Messages(jetstream.PullHeartbeat(idleHeartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true), jetstream.PullMaxMessages(100))
}

func (e *engine) close() { e.conn.Close() }
