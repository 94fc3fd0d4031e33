package eventlog

import "jrweb/eventlog/internal/record"

// Committing is what the commit under way changes, nil if there is none. It is for stores,
// during their Update.
func Committing(l *Log) *record.Outcome {
	if tx := l.committer.tx; tx != nil {
		return &tx.Outcome
	}
	return nil
}

// LimitSearches makes the searches of a log keep no more in memory than so many sessions and
// tasks that have changed.
func LimitSearches(l *Log, sessions, changed int) { l.searches = searchLimits{sessions, changed} }
