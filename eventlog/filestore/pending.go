package filestore

import (
	"fmt"
	"slices"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// Pending is what the journal of a database file has, and the file does not have yet: after a
// crash, or when the file had no room at a close.
type Pending struct {
	place          journal.Place
	contents       *journal.Contents // nil if no journal is in use
	upto           uint64
	frozen, active *overlay.Half
	older, newer   []overlay.Delta
}

// ReadPending reads the journal of a file that no log has open, and changes nothing. The
// error wraps [store.ErrDamaged] if the journal is missing or damaged.
func ReadPending(file *boltfile.File) (*Pending, error) {
	tx, err := file.DB.Begin(false)
	if err != nil {
		return nil, err
	}
	m, err := boltfile.ReadMark(tx)
	if err := closing(err, tx.Rollback()); err != nil {
		return nil, err
	}
	return readPending(file.Path, m)
}

func readPending(database string, m boltfile.Mark) (_ *Pending, err error) {
	p := &Pending{place: journal.Place{Database: database, Dir: m.Dir}, upto: m.Position, active: overlay.NewHalf()}
	if !m.InUse {
		return p, nil
	}
	if p.contents, err = journal.Read(p.place, m.Journal, m.Position); err != nil {
		return nil, err
	}
	if len(p.contents.Older) > 0 {
		p.frozen = overlay.NewHalf()
		p.older, err = p.add(p.frozen, p.contents.Older)
	}
	if err == nil {
		p.newer, err = p.add(p.active, p.contents.Newer)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.place.Segment(0), err)
	}
	return p, nil
}

// add adds what was read of a segment to a half.
func (p *Pending) add(h *overlay.Half, entries []journal.Entry) (deltas []overlay.Delta, err error) {
	for _, e := range entries {
		d := overlay.Delta{Position: e.Position, Encoded: e.Payload}
		if err := h.Add(d); err != nil {
			return nil, err
		}
		p.upto, deltas = e.Position, append(deltas, d)
	}
	return deltas, nil
}

// Over returns a reader of the file and its journal as one. base reads the file.
func (p *Pending) Over(base store.Reader) store.Reader {
	r := overlay.NewReader(base, p.upto, p.active, p.frozen)
	return &r
}

// Ops are what the journal changes, each key once.
func (p *Pending) Ops() ([]overlay.Op, error) {
	return overlay.Merge(append(slices.Clip(p.older), p.newer...))
}

// Remove removes the journal, after another file has taken the place of the database, which
// has everything.
func (p *Pending) Remove() error {
	if p.contents == nil {
		return nil
	}
	return p.place.Remove()
}
