package boltfile

import (
	"fmt"
	"runtime/debug"

	"jrweb/eventlog/store"
)

// Guard runs fn, and returns an error if damaged pages make bbolt panic or read outside of
// the file.
func Guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", store.ErrDamaged, p)
		}
	}()
	return fn()
}

// RecoverFault makes an error of a memory fault, which happens when a key or value reaches
// beyond the file. It does not hide the panics of a caller's own mistakes.
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
