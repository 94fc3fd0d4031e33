package transcript

// Claude Code's titles, by rank: what a person called the session, what the agent did,
// a summary of the conversation, and the name that the session has among agents.
const (
	titleName = iota + 1
	titleSummary
	titleAgent
	titleCustom
)

// claudeTitles finds the title of a session: the newest of the highest rank.
type claudeTitles struct {
	rank   int
	leaves recent[struct{}] // uuids of the session's lines
	early  recent[string]   // summaries of conversations, by the uuid of a line that has not come
}

// offer tells a title, unless there is one of a higher rank.
func (t *claudeTitles) offer(rank int, text string, out *output) {
	if text != "" && rank >= t.rank && !out.nested() {
		t.rank = rank
		out.title(text)
	}
}

// summary takes the summary of a conversation that ends with a line. Files begin with
// those of other sessions in the same directory.
func (t *claudeTitles) summary(text, leaf string, out *output) {
	if _, known := t.leaves.get(leaf); known {
		t.offer(titleSummary, text, out)
		return
	}
	t.early.put(leaf, text)
}

// line says that a line is of this session.
func (t *claudeTitles) line(uuid string, out *output) {
	if uuid == "" {
		return
	}
	t.leaves.put(uuid, struct{}{})
	if text, waits := t.early.get(uuid); waits {
		t.offer(titleSummary, text, out)
	}
}
