package store

import (
	"context"
	"io"
	"time"
)

// BackupStore is a [Store] that can copy itself while it is in use.
type BackupStore interface {
	Store
	// Backup returns a copy of the store as one View would show it. The caller must close
	// it.
	Backup(ctx context.Context) (*Backup, error)
}

// Backup is a copy of a database as it stood at one moment. It can be read once, from start
// to end. dbfile.Restore makes a database of it.
type Backup struct {
	io.ReadCloser
	// Size is the number of bytes to read.
	Size int64
	// Took is how long the copy took. During that time no free space could be reused, and
	// the file grew by Growth bytes.
	Took   time.Duration
	Growth int64
}
