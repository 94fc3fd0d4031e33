// Package store defines what a log needs of its storage: buckets of keys in byte order, and
// transactions that are atomic and durable. Package filestore has the default one.
// Package eventlogtest has the tests that every store must pass.
package store
