package streaming

// reasons say why a row is not reached, as far as profiles of the servers (flag
// -profiles) and system call traces tell. They are shown only when it is not.
var reasons = map[string]string{
	"replay": "the server is what limits; of its time, nearly half goes to reading (each event is copied out of the transaction by two allocations and its checksum verified), " +
		"a quarter to making frames and copying them into the write buffer, a sixth to the collector, and a sixth to a quarter to writes, of which net/http makes three for each chunk of 64 KiB. " +
		"nginx does none of this (sendfile), and is limited by the client.",
	"replay h2c": "the same reading as over HTTP/1.1, 30 to 40 % of the server's time; the rest is mostly net/http's HTTP/2, which both have, with frames of 16 KiB that go " +
		"from the stream's goroutine to the connection's and from there to one that writes.",
	"flat out": "over half of the server's time is in write: each commit of up to 64 events wakes every stream, and net/http writes a chunk in three system calls " +
		"(4 KiB with its length, the rest, and a line end of 2 bytes); a sixth makes the same frames once for each stream.",
	"without disk": "the raw loop writes what is ready with one system call for a client, from one array. Here half of the server's time is in writes, three for each chunk by net/http, " +
		"and a sixth goes to frames that each stream makes for itself; the rest is goroutines that wake, wait and move deadlines.",
	"paced": "both make one write for each event and stream. Beside it, ours wakes a goroutine (select, 13 % of the server's time), moves its write deadline twice (6 %), " +
		"makes the frame again (8 %), and passes net/http's buffers.",
	"idle memory": "the connection is net/http's (two goroutines, buffers of 10 KiB, the request), and on top of it the stream's calls have made a stack grow: " +
		"18 KiB of stacks for a stream where a bare handler has 10, and 2 KiB for a ticker, a timer and the stream itself. Only taking the connection over would go below.",
	"idle processor": "each stream has a ticker of 500 ms that looks whether its log has more, so 20,000 goroutines wake each second. With the ticker switched off the same run used 2.4 % " +
		"beside other work on the machine.",
}
