package storage

// Why rows are not reached. A reason is shown beside its row, and only if the row is
// not reached. What stands here was counted: page writes and syncs with strace,
// processor time with pprof. A row without a reason is one that nobody has looked
// into: a guess would not be worth more than that.
const (
	reasonOneAppender = "a commit makes the same two syncs and about five page writes as bbolt's own `Update`, and before them some 0.1 ms of work in which " +
		"the records of session and task are read (JSON) and written again."
	reasonOneSession = "a commit takes about 35 of the 64 appenders. A third of the processor time goes to checking events (their JSON is read twice: to be " +
		"compacted, and for its required fields), two fifths to the committer, two thirds of that to bbolt's commit."
	reasonManySessions = "every event of a commit belongs to another session, and changes the records of session and task and the index by change on pages of " +
		"their own: 128 page writes for a commit of 38 events (3.4 an event), where one session takes 10, and bbolt's `Batch` without such records " +
		"0.75 an event. Half of the committer's processor time is bbolt's commit. 25 would take a log file with one sync in front of bbolt, estimated " +
		"at another 4–5× and not built, so not measured."
)
