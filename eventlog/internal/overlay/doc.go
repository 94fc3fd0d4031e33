// Package overlay keeps what was written to a store, but not yet to its database, in memory,
// and reads it over the database.
//
// A [Delta] is what one transaction wrote. A [Half] holds the deltas of some positions in a
// row, each key with its values. A [Reader] shows a database as of one position: the halves
// over it, deletions included.
package overlay
