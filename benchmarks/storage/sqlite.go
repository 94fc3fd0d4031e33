package storage

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync/atomic"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// sqliteStore is SQLite with a write-ahead log that is synced at every commit. One
// connection writes: SQLite has one writer at a time, and those that wait for a
// connection are let in sooner than those that find the file locked.
type sqliteStore struct {
	db     *sql.DB
	insert *sql.Stmt
	number atomic.Int64
}

func openSQLite(ctx context.Context, dir string, _, _ int) (store, error) {
	db, err := sql.Open("sqlite3", filepath.Join(dir, "sqlite.db")+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE events (session INTEGER, number INTEGER, data BLOB, PRIMARY KEY (session, number)) WITHOUT ROWID`); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	insert, err := db.PrepareContext(ctx, `INSERT INTO events VALUES (?, ?, ?)`)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqliteStore{db: db, insert: insert}, nil
}

func (s *sqliteStore) append(ctx context.Context, _, session int) error {
	_, err := s.insert.ExecContext(ctx, session, s.number.Add(1), payload)
	return err
}

func (s *sqliteStore) close() error { return errors.Join(s.insert.Close(), s.db.Close()) }
