package record

import "jrweb/eventlog/event"

// Outcome is what a commit has changed, for those who keep something of it in memory or wait
// for it.
type Outcome struct {
	Change   uint64         // the greatest change so far
	Touched  map[string]int // tasks that changed, or whose sessions did: their index in the touches of a Txn
	Appended []Appended
	Started  []*Session
	Ended    []*Session // sealed, or deleted while open
	Costs    []costAdded
	Removed  []Removal
	Dropped  []Dropped
	Spent    bool // of a commit of another process: it has changed the usage
}

// Appended are events of one session that are committed together. They are those that were
// given to [Txn.AppendTo].
type Appended struct {
	Task    string
	Session event.SessionID
	Events  []Prepared
	Record  *Session
}

// costAdded is what a cost has added to the totals of its session.
type costAdded struct {
	Model string
	Amounts
}

// Removal is the deletion of a task by a change.
type Removal struct {
	Task   string
	Change uint64
}

// Dropped is a session that has lost events, or was deleted.
type Dropped struct {
	Task    string
	Session event.SessionID
}
