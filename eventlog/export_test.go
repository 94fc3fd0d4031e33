package eventlog

// LimitSearches makes the searches of a log keep no more in memory than so many sessions and
// tasks that have changed.
func LimitSearches(l *Log, sessions, changed int) { l.searches = searchLimits{sessions, changed} }
