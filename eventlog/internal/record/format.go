package record

import (
	"errors"
	"fmt"
	"slices"

	"jrweb/eventlog/store"
)

// FormatVersion is the version of what is in the buckets. It is written once,
// by the first New.
const FormatVersion = 3

// KeyFormat is the key of the format's version in [store.Meta].
var KeyFormat = []byte("format")

// CheckFormat refuses a format that this version does not read. A store that was made
// and never opened has none.
func CheckFormat(r store.Reader) error {
	raw := r.Get(store.Meta, KeyFormat)
	if raw == nil {
		return nil
	}
	payload, err := Decode(store.Meta, KeyFormat, raw)
	if err != nil {
		return err
	}
	if n := ParseNumber(payload); n != FormatVersion {
		return &FormatError{n}
	}
	return nil
}

// FormatError says that another version wrote a file.
type FormatError struct{ Version uint64 }

func (e *FormatError) Error() string {
	says := fmt.Sprintf("%v: %d, this version reads %d: ", store.ErrFormat, e.Version, FormatVersion)
	switch {
	case e.Version > FormatVersion:
		return says + "use a newer jrweb"
	case e.upgradable():
		return says + "jrweb serve upgrades it, and keeps it as it is beside the new one"
	}
	return says + "it was never released: jrweb export of the version that wrote it, then jrweb import, carry its events over"
}

func (e *FormatError) Unwrap() error { return store.ErrFormat }

// upgradable reports whether upgrade reads the format.
func (e *FormatError) upgradable() bool { return e.Version == 2 }

// Upgradable reports whether err says that a file has an older format that can be
// upgraded.
func Upgradable(err error) bool {
	e, ok := errors.AsType[*FormatError](err)
	return ok && e.upgradable()
}

// buckets2 are the buckets of format 2, and buckets3 those that came with format 3.
var (
	Buckets2 = store.Buckets()[:9]
	Buckets3 = store.Buckets()[9:]
)

// Admit refuses a store of another format, whose buckets may be others.
func Admit(r store.Reader, missing []store.Bucket) error {
	if slices.Contains(missing, store.Meta) {
		return nil // nothing can be said of it
	}
	if err := CheckFormat(r); err != nil {
		return err
	}
	if r.Get(store.Meta, KeyFormat) == nil && slices.Equal(missing, Buckets3) {
		return &FormatError{2} // it was made, and never opened
	}
	return nil
}
