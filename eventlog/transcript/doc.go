// Package transcript makes events of what coding agents print, or keep in their
// session files:
//
//	converter, err := transcript.New(transcript.Auto, nil)
//	lines := transcript.NewSplitter(0)
//	lines.Split(output, func(l transcript.Line) { record(converter.Line(l)) }) // for each piece of output
//	lines.Rest(func(l transcript.Line) { record(converter.Line(l)) })
//	record(converter.End())
//
// What it promises:
//
//   - Nothing is dropped in silence. A line, or a part of a message, that is not
//     understood becomes an event of type [TypeRaw] with its text and the reason;
//     [Stats] count them. Left out is only what comes again as a whole (the pieces
//     of a message) and bookkeeping that is known to tell nothing of the run.
//   - Every event is one that the log takes, whatever the input: it has the fields
//     of its type, is UTF-8, and is not larger than [Options] allow. Texts that are
//     too long, at any depth, are cut, and the event says how long they were and
//     their SHA-256.
//   - A tool_call and its tool_result have the same call_id. A call is told once
//     and a result once, also where the agent prints them twice. Success is what
//     the agent says, and a command's exit code.
//   - Costs never count twice. A cost event tells its scope: what the agent counts
//     over the whole run is cumulative, by model, and the log adds only what is new.
//   - What a subagent does has the field parent_call_id: the call that started it.
//   - An answer that the agent withdraws stays as it was told. A status event says so,
//     and its field withdraws names the events by type and the beginning of their
//     content, or by call_id.
//   - No line ends a session. There is no complete event: only the process can tell
//     the end. [Converter.Outcome] tells how the run ended as far as its lines say, and
//     a success only if they say so.
//   - What is known of the run (agent, version, model, working directory, title, the
//     agent's own id) is told by events of type [TypeSession], at first and when it changes.
//   - Images have one shape in parts, whatever the agent's is, and a bounded size.
//   - Lines of any length, binary, carriage returns, a byte order mark and warnings
//     between the JSON do no harm. Memory is bounded.
//
// # Formats
//
//	format           time      thought  money       tokens      subagents  remarks
//	claude           some      yes      by turn     by message  yes        what was said but never became a whole message is told at the end, as partial
//	claude-session   yes       yes      newer ones  by message  yes        subagents have files of their own: see [Subagents]
//	codex            –         yes      –           cumulative  –          counts over the whole thread, also what was before it was resumed
//	codex-rollout    yes       yes      –           cumulative  –          three logs in one, what they tell alike is told once; a subagent has a file of its own
//	codex-server     –         yes      –           cumulative  yes
//	gemini           yes       –        –           by run      –          text comes in pieces without an end; a command's failure is not told
//	gemini-chat      yes       yes      –           by session  in files   a call that was running when the agent was killed is not in the file
//	qwen             –         yes      –           by session  yes        a subagent's own words are not told
//	qwen-session     yes       yes      –           by answer   in files
//	opencode         yes       yes      by step     by step     –          a tool is told when it has finished
//	opencode-server  yes       yes      by step     by step     yes
//	opencode-export  yes       yes      by step     by step     –
//	cursor           some      yes      –           by turn     –          tokens from newer versions only
//	amp              –         yes      –           by message  yes
//	copilot          yes       yes      –           by session  yes        standard output has output tokens only, events.jsonl has all
//	pi               yes       yes      by message  by message  –          a branch that was given up is told, and that it was
//	openhands        yes       yes      by session  by session  –
//	droid            yes       yes      –           by process  –          tokens from the stream only
//	kimi             some      yes      –           by step     yes        tokens from wire.jsonl only
//	antigravity      –         yes      –           by step     –          what a subagent does is in the result of its call
//	cline            yes       yes      by request  by request  some       ui_messages.json does not tell what most tools gave back
//	goose            yes       yes      some        by session  –
//	crush            yes       yes      by session  –           yes        Crush keeps the tokens of the last request only
//	amp-thread       some      yes      –           by message  –
//	auggie           –         –        by request  –           –          one line: the last words
//	acp              –         yes      by session  by session  some       both directions of an agent's standard input and output, or the agent's alone
//	ai-sdk           –         yes      –           some        –          tokens if the server puts them into the metadata of the message
//	responses        –         yes      –           by response –          results of functions are not in the stream
//	chat-completions yes       yes      –           by answer   –          results of tools are not in the stream
//	ag-ui            some      yes      –           –           –          nothing tells whether a tool failed, except what it gave back
//	langgraph        –         yes      –           by message  –          messages that come in pieces and as a whole are told once
//	append           yes       yes      as told     as told     as told    what the log would refuse stays raw, with the reason
//	text             –         –        –           –           –          each pause, or 32 KiB, makes an assistant event
//
// The formats from claude to opencode-export, and pi, were checked against what real
// agents print and keep; the others are written from definitions, and from lines that
// others quote.
//
// Tokens mean the same for all of them: input_tokens are without those that were
// read from a cache or written to one, and output_tokens are with those of
// reasoning, however the agent counts.
//
// # Caveats
//
//   - The price of tokens is not known here. Agents that tell no money cost none.
//   - Secrets in the output are in the events: see package redact.
//   - A result whose call is not in the transcript has an empty tool.
//   - Ids are remembered for the last 10,000 calls or messages. A line that is
//     repeated after more than that is told again.
package transcript
