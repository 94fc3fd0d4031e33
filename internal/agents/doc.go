// Package agents runs real coding agents against a scripted model, and says what is
// to be seen of them afterwards:
//
//	for _, agent := range agents.All() {
//		for _, scenario := range agents.Scenarios() {
//			// agent does what the scenario says; scenario.Want(agent) is what it did
//		}
//	}
//
// The scenarios are data: what the model says, call by call and token by token. So
// they are the oracle for whatever jrweb makes of the agent's output.
//
// make test-agents installs the agents, in .agents, and runs all of them through all
// ways in. Without the build tag "agents" nothing here needs them.
package agents
