package storage

// Why rows are not reached. A reason is shown beside its row, and only if the row is
// not reached. What stands here was counted: writes and syncs with strace,
// processor time with pprof. A row without a reason is one that nobody has looked
// into: a guess would not be worth more than that.
const (
	reasonOneAppender = "a commit is one write of about 490 bytes and one fdatasync, as raw's; beside them the event is checked, handed to the committer and back, " +
		"and what was written is sorted into memory. Of its processor time two fifths are the sync, a quarter is the change itself. " +
		"A segment of the journal that is used for the first time is filled with zeros, 1 MiB at a time, which some appends wait for."
	reasonOneSession = "a commit takes nearly all of the 64 appenders, so it alternates with them: one sync, in which nothing else is to be done, " +
		"then the answers, the next 64 events and their record. Neither the disk nor the processors are busy all the time."
	reasonOneSessionBefore = "events of one session stand side by side in the tree, so the store before the journal wrote few pages as well: a quarter more bytes an event. " +
		"Of the processor time a third are the commits (half of that the record and its sync), a fifth the appenders, a quarter the checkpoints. " +
		"The faster the disk, the less the second sync counts that the store before needed."
	reasonManySessions = "every event of a commit belongs to another session, whose old state is removed. Of the processor time a third are the commits: " +
		"half of that the record and its sync, a quarter each the change and its place in memory; a quarter are the checkpoints, a tenth the appenders themselves."
)
