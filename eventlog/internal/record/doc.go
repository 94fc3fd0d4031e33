// Package record encodes what a log writes, byte for byte, and keeps the records
// consistent. Every record has a checksum. A [Txn] changes sessions together with their
// tasks, indexes and costs, and writes each record once. docs/format.md describes the same
// for people.
package record
