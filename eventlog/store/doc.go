// Package store says what a log needs of that in which it keeps its records: buckets of
// keys in byte order, and transactions that are atomic and durable. Package boltstore has
// the store in one file; package eventlogtest has the suite that every store must pass.
package store
