package streaming

// reasons say why a row is not reached, as far as profiles of the servers (flag
// -profiles) and system call traces tell. They are shown only when it is not.
var reasons = map[string]string{
	"replay": "the server is what limits. Of its time three quarters go to reading: each event is found in the tree, its checksum is verified (a third of all), and its frame is made. " +
		"A quarter goes to writes. A third of the reading is waits for memory: the file is larger than the processor's cache, and events are checked one after the other. " +
		"One goroutine does both: to hand buffers to another one cost more. nginx does none of this (sendfile).",
	"replay h2c": "reading costs as much as over HTTP/1.1; the rest is mostly net/http's HTTP/2, which both have, with frames of 16 KiB that go " +
		"from the stream's goroutine to the connection's and from there to one that writes.",
	"flat out": "nearly half of the server's time is in write, one system call for each stream and commit, and 15 % in waiting for the next one: a deadline that moves, " +
		"a read that finds nothing, a goroutine that parks and wakes.",
	"without disk": "two thirds of the server's time are in write, one system call for each stream and up to 64 KiB, as in the raw loop. The rest is a goroutine for each stream " +
		"that wakes and waits, and events that are checked and stored. Streams that fall behind the frames that are kept read the store, each for itself.",
	"paced":       "both make one write for each event and stream. Beside it, ours wakes a goroutine, which moves a deadline and tries to read before it waits again.",
	"idle memory": "what is left is a goroutine with its smallest stack, 2 KiB, the connection of package net, and the stream itself.",
	"idle processor": "the two heartbeats of each stream are nearly all of it: a timer that fires, a write, and a read that finds nothing. Looking whether wake-ups were missed " +
		"is a tenth.",
}
