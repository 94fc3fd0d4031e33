// Package record knows what a log writes, byte for byte, and keeps what it wrote in
// agreement: a record has its checksum, a [Txn] changes sessions with their tasks, indexes
// and costs, each record once. docs/format.md is the same for people.
package record
