// Package boltstore keeps a log in one bbolt file. What it acknowledges is on the disk. It
// shows nothing that a power cut could take back. A full disk refuses appends but harms
// nothing, and a damaged page is an error.
package boltstore
