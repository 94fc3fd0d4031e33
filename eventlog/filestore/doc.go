// Package filestore keeps a log in one bbolt file and, while it is in use, a journal beside
// it. What it acknowledges is on the disk. It shows nothing that a power cut could take
// back. A full disk refuses appends but harms nothing, and a damaged page is an error.
//
// A commit is one record of the journal: one write and one sync. What was committed is kept
// in memory as well, and read over the file. In the background checkpoints take it into
// the file. After a clean close the file is all there is.
package filestore
