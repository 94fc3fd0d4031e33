package storage

// Why rows are not reached. A reason is shown beside its row, and only if the row is
// not reached. What stands here was counted: page writes and syncs with strace,
// processor time with pprof. A row without a reason is one that nobody has looked
// into: a guess would not be worth more than that.
const (
	reasonOneAppender = "a commit makes the same two syncs and about five page writes as bbolt's own `Update`."
	reasonOneSession  = "a commit takes about 35 of the 64 appenders. A third of the processor time goes to checking events (their JSON is read twice: to be " +
		"compacted, and for its required fields), two fifths to the committer, two thirds of that to bbolt's commit."
	reasonManySessions = "every event of a commit belongs to another session, and so lies on a page of its own: 75 page writes for a commit of 36 events " +
		"(2.1 an event, branches of the tree included), where one session takes 9."
)
