// Package clusterstore keeps a log on several machines. Each has a replica: a process with a
// database file of its own. The journal of all of them is one stream of NATS JetStream:
//
//	store, err := clusterstore.Open(ctx, "jr.db", "nats://127.0.0.1:4222", "jrweb", nil)
//	...
//	log, err := eventlog.New(store, nil)
//
// What it promises:
//
//   - A commit is one message of the stream, and the number of the message is the position of
//     the commit. A message names the position that it must get, and the stream refuses it if
//     another one has that already. So any replica can write, and all of them make the same
//     commits in the same order.
//   - What an Update acknowledges is in the stream, as durable as the stream is: on a quorum
//     of its servers if it has several, and safe against a power cut if they sync always.
//   - A View sees what the Updates of its own replica have committed. What others commit
//     comes by itself, most often within a millisecond. An Update that wrote nothing has seen
//     everything that was committed anywhere before it was called.
//   - One replica at a time is the writer, and the logs on the others hand their changes on to
//     it. When it dies, is silent or cannot commit for about five seconds, another one takes
//     over. To have one writer is for efficiency: a change is never lost or made twice by it.
//   - Each message names the stream and the hash of the message before it. So a replica
//     cannot go on with a stream that is not its own.
//   - From time to time one of the replicas makes a snapshot of its file, and the stream forgets
//     what is older than two of them. A new replica begins with a snapshot. So does one that
//     was away for so long that the stream has forgotten what it lacks, when it is opened.
//
// While the engine is away, Updates wait and then fail, and Views go on.
//
// Open refuses settings of the engine that would lose commits. What breaks only a part of the
// promises is a [store.Weakness], which the Stats of a log list.
//
// A stream belongs to one log. Nothing else may delete messages from it.
//
// Beside the API of JetStream a replica uses the subjects jrweb.STREAM for the messages,
// jrweb.STREAM.writer for signs of life, jrweb.STREAM.ask.ID for what is handed on,
// jrweb.STREAM.replicas for questions where the replicas are, and jrweb.STREAM.snapshots. and
// what follows for those, in the stream STREAM-snapshots. A client that may publish there may
// change the log.
package clusterstore
