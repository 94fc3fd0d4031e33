package model

import (
	"encoding/json"
	"time"
)

// Turn is one answer of the model.
type Turn struct {
	Thought string // reasoning, before the text
	Text    string
	Calls   []Call
	Tokens  Tokens
	// Fail answers with an error of the API instead.
	Fail *Failure
	// Stall tells the thought and the text, and then nothing more, until the agent
	// goes away.
	Stall bool
}

// Call is a call of a tool.
type Call struct {
	ID   string
	Tool string
	// Server is the namespace of the tool, where an API has them.
	Server string
	Args   any    // what the JSON of the arguments is made of
	Input  string // instead of arguments, for tools that take a text
}

// arguments is the JSON of the arguments.
func (c Call) arguments() json.RawMessage {
	data, err := json.Marshal(c.Args)
	if err != nil {
		panic(err) // scripts are constant
	}
	return data
}

// Tokens is what an answer costs.
type Tokens struct {
	Input      int // without those of the cache
	CacheRead  int
	CacheWrite int
	Output     int // with those of reasoning
	Reasoning  int
}

// Plus adds up.
func (t Tokens) Plus(o Tokens) Tokens {
	return Tokens{t.Input + o.Input, t.CacheRead + o.CacheRead, t.CacheWrite + o.CacheWrite, t.Output + o.Output, t.Reasoning + o.Reasoning}
}

// Chore is what an answer costs that is not in the script.
var Chore = Tokens{Input: 7, Output: 3}

// Failure is an error of the API.
type Failure struct {
	Status  int
	Type    string
	Message string
	// RetryAfter is what a rate limit tells to wait.
	RetryAfter time.Duration
	// Forever repeats the failure, however often the agent asks.
	Forever bool
}
