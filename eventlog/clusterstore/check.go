package clusterstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// CheckOptions are the settings of [Check]. The zero value is good.
type CheckOptions struct {
	// Options say how to connect.
	Options Options
	// Files are replicas that no process has open.
	Files []string
	// Found is called for each thing that is wrong. Nil: they are only counted.
	Found func(string)
	// Progress is called from time to time with how many messages were read.
	Progress func(done, total int64)
}

// Checked is what [Check] has seen.
type Checked struct {
	// First and Last are the positions of the messages that follow each other.
	First, Last uint64
	// Snapshots is how many are whole.
	Snapshots int
	// Replicas are those that run, as they name themselves.
	Replicas []string
	// At is a position at which they hold the same, and Sum what that is. At is 0 if they have
	// not all summed up.
	At      uint64
	Records int64
}

// Check verifies that all replicas of a cluster are the same: that each message of the stream
// follows from the one before, that the snapshots are whole and belong to it, and so do the
// files; and that all replicas that run are where the stream says, and hold the same at one
// position. It changes nothing, except that the replicas make some empty commits, and that each
// reads all that it holds. The error wraps [store.ErrDamaged] if anything was found. Nil options
// are the defaults.
func Check(ctx context.Context, url, stream string, o *CheckOptions) (Checked, error) {
	c := &checker{links: make(map[uint64][]link)}
	if o != nil {
		c.o = *o
	}
	c.o.Options = defaults(&c.o.Options)
	c.o.Options.existing = true
	err := c.check(ctx, url, stream)
	if err == nil && c.findings > 0 {
		err = fmt.Errorf("%w: %d findings", store.ErrDamaged, c.findings)
	}
	if err != nil {
		err = fmt.Errorf("eventlog: check stream %s: %w", stream, err)
	}
	return c.Checked, err
}

// checker is a running [Check].
type checker struct {
	Checked
	o        CheckOptions
	engine   *engine
	findings int
	links    map[uint64][]link // by position
	last     filestore.Place   // of the last message that was read
}

// link is what somebody has at a position.
type link struct {
	of string
	at filestore.Place
}

func (c *checker) found(format string, a ...any) {
	c.findings++
	if c.o.Found != nil {
		c.o.Found(fmt.Sprintf(format, a...))
	}
}

// expect makes the chain of messages be compared with what somebody has.
func (c *checker) expect(of string, at filestore.Place, err error) {
	if err != nil {
		c.found("%s: %v", of, err)
		return
	}
	c.links[at.Position] = append(c.links[at.Position], link{of, at})
}

func (c *checker) check(ctx context.Context, url, stream string) (err error) {
	ctx, explain := c.o.Options.untilDenied(ctx)
	defer func() { err = explain(err) }()
	if c.engine, err = connect(ctx, url, stream, &c.o.Options); err != nil {
		return err
	}
	defer c.engine.close()
	for _, path := range c.o.Files {
		at, err := filestore.PlaceOf(path)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return fmt.Errorf("%s: %w", path, err)
		}
		c.expect(path, at, err)
	}
	if err := c.checkSnapshots(ctx); err != nil {
		return err
	}
	if err := c.askReplicas(ctx); err != nil {
		return err
	}
	return c.checkChain(ctx)
}

// checkSnapshots reads all of them.
func (c *checker) checkSnapshots(ctx context.Context) error {
	shelf := c.engine.shelf(c.o.Options.Wait)
	catalog, err := shelf.load(ctx)
	for i := 0; err == nil && i < len(catalog.Snapshots); i++ {
		s := catalog.Snapshots[i]
		err = shelf.verify(ctx, s)
		if errors.Is(err, errGone) {
			// A newer one may have taken its place.
			now, loadErr := shelf.load(ctx)
			if loadErr == nil && now.newest().ID != catalog.newest().ID {
				catalog, c.Snapshots, i, err = now, 0, -1, nil
				continue
			}
		}
		name := fmt.Sprintf("the snapshot at position %d", s.Position)
		if errors.Is(err, store.ErrDamaged) || errors.Is(err, errGone) {
			c.found("%s: %v", name, err)
			err = nil
		} else {
			c.Snapshots++
		}
		at, placeErr := s.place()
		c.expect(name, at, placeErr)
	}
	return err
}

// checkChain reads the stream from its first message to the last one, or as far as anybody is.
func (c *checker) checkChain(ctx context.Context) error {
	state, err := c.engine.state(ctx)
	if err != nil {
		return err
	}
	c.First, c.Last = state.FirstSeq, state.FirstSeq-1
	// What runs may be further than the stream was a moment ago.
	upto := state.LastSeq
	for c.Last < upto && state.Msgs > 0 {
		if err := c.readChain(ctx, upto); err != nil {
			return err
		}
	}
	for position, links := range c.links {
		for _, l := range links {
			switch {
			case l.at.Journal != c.last.Journal && l.at.Journal != ([16]byte{}):
				c.found("%s is of another stream", l.of)
			case position > c.Last:
				c.found("%s is at position %d, and the stream ends with %d", l.of, position, c.Last)
			}
		}
	}
	return nil
}

// readChain reads on from the last message that was read.
func (c *checker) readChain(ctx context.Context, upto uint64) error {
	messages, err := c.engine.consume(ctx, c.Last+1)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for c.Last < upto {
		waits, cancel := context.WithTimeout(ctx, c.o.Options.Wait)
		m, err := messages.Next(jetstream.NextContext(waits))
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			c.found("messages %d to %d are not in the stream", c.Last+1, upto)
			c.Last = upto
			return nil
		case err != nil:
			return nil // it is read on from here
		}
		about, err := m.Metadata()
		if err != nil {
			return err
		}
		if c.follow(about.Sequence.Stream, m.Data()); c.o.Progress != nil && c.Last%1000 == 0 {
			c.o.Progress(int64(c.Last-c.First), int64(upto-c.First))
		}
	}
	return nil
}

// follow checks a message. After one that does not fit it goes on with that.
func (c *checker) follow(position uint64, record []byte) {
	after := c.last
	if position != c.Last+1 {
		if c.Last >= c.First {
			c.found("messages %d to %d are not in the stream", c.Last+1, position-1)
		} else {
			c.First = position // it was purged meanwhile
		}
		after = filestore.Place{}
	}
	if after == (filestore.Place{}) && position > 1 && len(record) >= headerSize {
		after = before(position, record)
		c.compare(after)
	}
	at, err := follow(record, after)
	if err != nil {
		c.found("%v", err)
		if len(record) >= headerSize {
			at, _ = follow(record, before(position, record))
		}
		at.Position = position
	}
	c.Last, c.last = position, at
	c.compare(at)
}

// before is the place that a record says that it follows.
func before(position uint64, record []byte) filestore.Place {
	return filestore.Place{Journal: [16]byte(record[streamAt:positionAt]), Position: position - 1, Link: [32]byte(record[linkAt:nonceAt])}
}

// compare compares a place of the chain with those who are there.
func (c *checker) compare(at filestore.Place) {
	for _, l := range c.links[at.Position] {
		if l.at.Journal == at.Journal && l.at.Link != at.Link {
			c.found("%s has another message %d than the stream", l.of, at.Position)
		}
	}
}

// gather is how long replicas are waited for that might answer.
func (c *checker) gather() time.Duration { return c.o.Options.Wait / 10 }

// askReplicas asks those that run where they are, and what they hold at one position.
func (c *checker) askReplicas(ctx context.Context) error {
	newest := uint64(0)
	names := make(map[string]string)
	err := c.ask(ctx, question{}, nil, func(a answerOf) bool {
		at, err := a.place()
		c.expect("the replica on "+a.Name, at, err)
		if a.Failed != "" {
			c.found("the replica on %s has failed: %s", a.Name, a.Failed)
			return false
		}
		newest, names[a.ID] = max(newest, at.Position), a.Name
		return false
	})
	c.Replicas = slices.Sorted(maps.Values(names))
	// A position that none of them has passed when it is asked. Under load the first ones
	// pass while others are asked.
	for ahead := uint64(16); err == nil && len(names) > 0 && ahead < 1<<16; ahead *= 16 {
		var done bool
		if done, err = c.compareSums(ctx, newest+ahead, names); done {
			return err
		}
		if state, err := c.engine.state(ctx); err == nil {
			newest = max(newest, state.LastSeq)
		}
	}
	return err
}

// compareSums makes the replicas sum up what they hold at a position, and compares that.
func (c *checker) compareSums(ctx context.Context, position uint64, names map[string]string) (done bool, err error) {
	sums := make(map[sumOf][]string)
	missing, passed := maps.Clone(names), false
	stillThere := func() (all bool, err error) {
		alive := make(map[string]bool)
		err = c.ask(ctx, question{}, nil, func(a answerOf) bool { alive[a.ID] = true; return false })
		maps.DeleteFunc(missing, func(id, _ string) bool { return !alive[id] })
		return len(missing) == 0, err
	}
	err = c.ask(ctx, question{At: position}, stillThere, func(a answerOf) bool {
		if _, known := missing[a.ID]; known && (a.Sum != nil || a.Failed != "") {
			delete(missing, a.ID)
			if a.Sum == nil {
				passed = true
			} else {
				sums[*a.Sum] = append(sums[*a.Sum], a.Name)
			}
		}
		return len(missing) == 0
	})
	if err != nil || passed {
		return false, err
	}
	if len(sums) > 1 {
		for sum, of := range sums {
			c.found("at position %d the replica on %s holds %d records with the hash %s", position, of[0], sum.Records, sum.Hash)
		}
	}
	for sum := range sums {
		c.At, c.Records = position, sum.Records
	}
	return true, nil
}

// ask asks all replicas, and yields what they answer, until enough says so. When none has
// answered for a while, quiet says whether that is all; nil: it is.
func (c *checker) ask(ctx context.Context, q question, quiet func() (all bool, err error), yield func(answerOf) (enough bool)) error {
	raw, err := json.Marshal(q)
	if err != nil {
		return err
	}
	inbox := c.engine.conn.NewInbox()
	answers, err := c.engine.conn.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = answers.Unsubscribe() }() // the connection ends soon
	if err := c.engine.conn.PublishRequest(c.engine.replicasSubject(), inbox, raw); err != nil {
		return err
	}
	for {
		waits, cancel := context.WithTimeout(ctx, c.gather())
		m, err := answers.NextMsgWithContext(waits)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded) && quiet == nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			if all, err := quiet(); all || err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		var a answerOf
		if json.Unmarshal(m.Data, &a) == nil && a.ID != "" && yield(a) {
			return nil
		}
	}
}
