// Package model is a scripted model for real coding agents, on loopback:
//
//	m := model.Serve("demo")
//	defer m.Close()
//	m.Play(map[string][]model.Turn{"main": {{Text: "There is one file.", Tokens: model.Tokens{Input: 100, Output: 42}}}})
//	// run an agent whose model is at m.URL, with a prompt that says [main]
//	m.Answers() // what it was told
//
// It speaks the APIs that agents use: Anthropic Messages, OpenAI Responses, OpenAI
// chat completions and Gemini's generateContent, each of them streaming or whole.
// An agent notices no difference to a model that thinks, and we know each word,
// call and token of it.
//
//   - The latest thread that a person's words name in brackets says which thread of
//     the script a request belongs to. Its turns are told one after the other.
//   - A request that offers no tools is not the agent's work but a chore beside it (a
//     title, a summary). It gets a short answer, which costs [Chore].
//   - A script that is used up ends the run: its last answer calls no tool. So no agent
//     goes on for ever. [Server.Answers] tells that it happened.
package model
