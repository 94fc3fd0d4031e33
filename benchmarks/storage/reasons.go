package storage

// Why rows are not reached. A reason is shown beside its row, and only if the row is
// not reached. What stands here was counted: page writes and syncs with strace,
// processor time with pprof. A row without a reason is one that nobody has looked
// into: a guess would not be worth more than that.
const (
	reasonOneAppender = "a commit makes the same two syncs and about five page writes as bbolt's own `Update`, and beside them some 0.08 ms of work (the medians below): the event is checked, " +
		"handed to the committer and back, and its session's state and its task's place in the list are written with it."
	reasonOneSession = "a commit takes nearly all of the 64 appenders, so it alternates with them: two syncs, about 0.6 ms in which nothing else is to be done, " +
		"then the answers, the next 64 events and the transaction, of which half is bbolt's commit. Neither the disk nor the processors are busy all the time; " +
		"two groups that alternate would share the one writer that bbolt allows."
	reasonManySessions = "every event of a commit belongs to another session, and so lies on a page of its own: about two page writes an event, branches of the tree included, " +
		"where one session takes a quarter. bbolt's `Batch` with the same keys, and nothing else to write, is the most that this layout allows. " +
		"25 would take a log file with one sync in front of bbolt, estimated at another 4–5× and not built, so not measured."
)
