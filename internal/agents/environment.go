package agents

// Environment is all that an agent has in its environment, for tests that start it by
// themselves.
func (a *Agent) Environment(p Place) []string { return a.environment(p) }
