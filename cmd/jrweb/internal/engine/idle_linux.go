package engine

import "unsafe"

// statFile is where the server's package pse reads every second what this process uses of the
// processor: from the start of every program that it is linked into, whether a server runs or
// not. It ends at the first read that fails. What it knows is for the monitoring page of a
// server, which ours do not have.
//
//go:linkname statFile github.com/nats-io/nats-server/v2/server/pse.procStatFile
var statFile string

func init() { forgetStatFile() }

// forgetStatFile makes the name empty, so that the next read fails. On a slow machine that read
// may be under way. So only the length changes, which is one word: the reader has either the
// old name or none. The race detector cannot know that.
//
//go:norace
func forgetStatFile() {
	(*struct {
		data   unsafe.Pointer
		length int
	})(unsafe.Pointer(&statFile)).length = 0
}
