package streaming

// reasons say why a row is not reached, as far as profiles of the servers (flag
// -profiles) and system call traces tell. They are shown only when it is not.
var reasons = map[string]string{
	"replay": "the server is what limits. Of its time nearly three fifths go to reading: each event is found in the tree, its checksum is verified, and its frame is made; " +
		"that takes 0.2 µs an event in a tight loop and twice as much here, where the log is in no cache of the processor. 27 % go to writes. " +
		"One goroutine reads while another writes, so the two cores are shared by both and the client. nginx does none of this (sendfile), and is limited by the client.",
	"replay h2c": "reading costs as much as over HTTP/1.1, 40 % of the server's time; the rest is mostly net/http's HTTP/2, which both have, with frames of 16 KiB that go " +
		"from the stream's goroutine to the connection's and from there to one that writes.",
	"flat out": "nearly half of the server's time is in write, one system call for each stream and commit, and 15 % in waiting for the next one: a deadline that moves, " +
		"a read that finds nothing, a goroutine that parks and wakes.",
	"without disk": "60 % of the server's time is in write, one system call for each stream and up to 64 KiB, as in the raw loop. The rest is a goroutine for each stream that wakes " +
		"and waits, and events that are checked, stored and read once more by streams that have fallen behind the frames that are kept.",
	"paced":       "both make one write for each event and stream. Beside it, ours wakes a goroutine, which moves a deadline and tries to read before it waits again.",
	"idle memory": "what is left is a goroutine with its smallest stack, 2 KiB, the connection of package net, and the stream itself.",
	"idle processor": "the two heartbeats of each stream are nearly all of it: a timer that fires, a write, and a read that finds nothing. Looking whether wake-ups were missed " +
		"is a tenth.",
}
