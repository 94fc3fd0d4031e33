// Package boltstore keeps a log in one bbolt file: what is acknowledged is on the disk,
// nothing is shown that a power cut could take back, a full disk refuses appends and
// harms nothing, and a damaged page is an error.
package boltstore
