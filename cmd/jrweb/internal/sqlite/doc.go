// Package sqlite reads tables of SQLite databases that other programs use:
//
//	db := sqlite.Open("opencode.db")
//	defer db.Close()
//	err := db.Read(func(s *sqlite.State) error {
//		parts, err := s.Table("part", "id", "data")
//		if err != nil {
//			return err
//		}
//		return parts.Where("session_id", "ses_1", func(r sqlite.Row) error { … })
//	})
//
// What it promises:
//
//   - It opens files to read only, makes none beside them, and takes no lock: a program that
//     writes the database neither waits for it nor sees it.
//   - What one Read sees is one state of the database, with all that was committed to its
//     write-ahead log. If a writer comes between, it is tried again.
//   - It reads the pages that it needs, and holds a few MiB of them, whatever the size.
//   - What is damaged is an error, and never a panic or a loop without end.
//
// Caveats: it knows no SQL. A table is read from end to end, by its row ids, or by an index
// whose first column is one of text. Tables WITHOUT ROWID and texts in UTF-16 are refused.
//
// The format is that of https://sqlite.org/fileformat2.html, which its authors promise not
// to change.
package sqlite

import "errors"

var (
	// ErrBusy says that writers came between a read and its state, again and again.
	ErrBusy = errors.New("sqlite: the database changes too fast to be read")
	// ErrNoTable says that a database has no table of a name.
	ErrNoTable = errors.New("sqlite: no such table")

	errDamaged = errors.New("sqlite: the database is damaged, or was changed while it was read")
)
