package engine

import _ "unsafe" // for go:linkname

// statFile is where the server's package pse reads every second what this process uses of the
// processor: from the start of every program that it is linked into, whether a server runs or
// not. It ends at the first read that fails. What it knows is for the monitoring page of a
// server, which ours do not have.
//
//go:linkname statFile github.com/nats-io/nats-server/v2/server/pse.procStatFile
var statFile string

func init() { statFile = "" }
