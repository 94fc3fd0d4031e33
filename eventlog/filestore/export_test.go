package filestore

import "jrweb/eventlog/store"

// OpenHasty opens a store that makes a checkpoint every few changes.
func OpenHasty(path string) (store.Store, error) { return Open(path, &Options{pace: shortPace}) }
