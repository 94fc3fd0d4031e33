// Package boltfile opens bbolt files, and reads their pages without bbolt. bbolt trusts
// what it reads: a damaged page makes it panic, fault, or loop for ever. This package does
// not know what a log writes into the records.
package boltfile
