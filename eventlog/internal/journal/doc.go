// Package journal keeps a durable sequence of records in two segment files beside a
// database. Records have positions, 1, 2, 3 …; an append is one write and one sync.
//
// The database takes the records over, and says how far it has got. Records go into one
// segment. When the database is to take that one over, the journal switches to the other,
// whose records the database must have by then, and overwrites them.
//
// A record is whole if its checksum fits. Every whole record of a journal counts, wherever
// it stands: positions are given once. So what an open finds behind the position of the
// database must be all positions from there to the greatest, without a hole. A record that
// is not whole, with none of a higher position, was being written when the process or the
// machine stopped. It was never acknowledged. Anything else is damage.
package journal
