// Package boltfile opens bbolt's files, and reads their pages without bbolt, which trusts
// what it reads: a damaged page makes it panic, fault, or run in circles. It knows nothing
// of what a log puts into the records.
package boltfile
