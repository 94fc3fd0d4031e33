package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"jrweb/eventlog/store"
)

// FormatVersion is the version of the contents of the buckets. It is written once, by the
// first open.
const FormatVersion = 5

// KeyFormat is the key of the format version in [store.Meta].
var KeyFormat = []byte("format")

// CheckFormat refuses a format that this version does not read. A store that was created
// but never opened has no format yet.
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

// WriteFormat writes the format version into a new store.
func WriteFormat(put func(b store.Bucket, key, value []byte) error) error {
	version := binary.BigEndian.AppendUint64(nil, FormatVersion)
	return put(store.Meta, KeyFormat, Encode(store.Meta, KeyFormat, version))
}

// FormatError says that another version wrote the file.
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

// upgradable reports whether the format can be upgraded.
func (e *FormatError) upgradable() bool { return e.Version >= 2 && e.Version < FormatVersion }

// Upgradable reports whether err says that a file has an older format that can be upgraded.
func Upgradable(err error) bool {
	e, ok := errors.AsType[*FormatError](err)
	return ok && e.upgradable()
}

// Buckets2 are the buckets of format 2, Buckets3 those of formats 3 and 4. Each format only
// adds buckets at the end.
var (
	Buckets2 = store.Buckets()[:9]
	Buckets3 = store.Buckets()[:13]
)

// Admit refuses a store of another format, which may have other buckets.
func Admit(r store.Reader, missing []store.Bucket) error {
	if slices.Contains(missing, store.Meta) {
		return nil // the format is not known
	}
	if err := CheckFormat(r); err != nil {
		return err
	}
	if r.Get(store.Meta, KeyFormat) == nil && slices.Equal(missing, store.Buckets()[len(Buckets2):]) {
		return &FormatError{2} // it was created, and never opened
	}
	return nil
}
