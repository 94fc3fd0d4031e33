// Package store defines what a log needs of its storage: buckets of keys in byte order, and
// transactions that are atomic and durable. Package boltstore has the store in one file.
// Package eventlogtest has the tests that every store must pass.
package store
