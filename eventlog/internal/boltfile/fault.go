package boltfile

import (
	"fmt"
	"runtime/debug"

	"jrweb/eventlog/store"
)

// Guard runs fn, and makes an error of what damaged pages do to bbolt, which
// panics, or follows them out of the file.
func Guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", store.ErrDamaged, p)
		}
	}()
	return fn()
}

// RecoverFault makes an error of a fault at an address: of a key or value that
// reached out of the file. It does not hide the panics of a caller's own faults.
func RecoverFault(err *error) {
	switch p := recover().(type) {
	case nil:
	case interface {
		error
		Addr() uintptr
	}:
		*err = fmt.Errorf("%w: %w", store.ErrDamaged, p)
	default:
		panic(p)
	}
}
