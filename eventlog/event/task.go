package event

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Elsewhere is the cost that a session reported but that counts in other sessions, because
// they reported it first.
type Elsewhere struct {
	// Tokens are the tokens of all kinds.
	Tokens uint64 `json:"tokens"`
	USD    USD    `json:"usd,omitempty"`
	// Tasks are the tasks of the other sessions, at most 10.
	Tasks []string `json:"tasks,omitempty"`
}

// ModelTokens are the tokens of one model.
type ModelTokens struct {
	// Model is empty if the agent did not name it, and "other" for all models after the
	// first 32 of a session or a task.
	Model                                                        string
	InputTokens, OutputTokens, CacheReadTokens, CacheWriteTokens uint64
}

// Task is what an agent works on: what a user said about it, and the sums of its sessions.
type Task struct {
	ID string `json:"id"`
	// Title is the title that a person gave. Without one it is the agent's, and else the
	// first words of a person to the agent.
	Title       string `json:"title"`
	Type        string `json:"type"`
	Parent      string `json:"parent"`
	Description string `json:"description"`
	// Project names what the task belongs to, in a person's words.
	Project string `json:"project,omitempty"`
	// Pinned keeps retention away from the task's sessions.
	Pinned bool `json:"pinned,omitempty"`
	// Status is the latest session's, or StatusNone before the first.
	Status   Status `json:"status"`
	Created  Time   `json:"created"`
	Updated  Time   `json:"updated"`
	Sessions int    `json:"sessions"`
	Totals   Totals `json:"totals"`
	// Agent, Model and Owner are the latest session's.
	Agent string `json:"agent,omitempty"`
	Model string `json:"model,omitempty"`
	Owner string `json:"owner,omitempty"`

	// Change is the number of the task's last change. Each change of any task in the log
	// gets a greater number, so it orders tasks by activity.
	Change uint64 `json:"-"`
	// Latest is the session that started last, or zero before the first.
	Latest SessionID `json:"-"`
	// Unpriced are the tokens, by model, that are not yet part of a cost with money.
	Unpriced []ModelTokens `json:"-"`
}

// SessionInfo is a session as it stood at one moment.
type SessionInfo struct {
	ID         SessionID `json:"id"`
	Task       string    `json:"task"`
	Status     Status    `json:"status"`
	Reason     string    `json:"reason"`
	Agent      string    `json:"agent"`
	Version    string    `json:"version,omitempty"`
	Model      string    `json:"model"` // "" until an agent has named it
	Cwd        string    `json:"cwd,omitempty"`
	Branch     string    `json:"branch,omitempty"`
	Machine    string    `json:"machine,omitempty"`
	ExternalID string    `json:"external_id"`
	// ParentExternalID is the agent's own id of the thread that started this one.
	ParentExternalID string `json:"parent_external_id,omitempty"`
	// Owner is who started the session. See StartOptions of package eventlog.
	Owner string `json:"owner,omitempty"`
	// Steer reports that people can send messages to the agent. See StartOptions of package
	// eventlog.
	Steer bool `json:"steer,omitempty"`
	// Started and Ended are the agent's times, if it gave them: see StartOptions of package
	// eventlog and the time of the complete event. Ended is zero while the session is open.
	Started Time `json:"started"`
	Ended   Time `json:"ended"`
	// Head is the sequence of the last event, 0 before the first.
	Head   uint64 `json:"head"`
	Totals Totals `json:"totals"`
	// Elsewhere is the cost that the session reported but that is not in its totals. See
	// Log.CountedElsewhere of package eventlog. A log leaves it nil; the code that shows a
	// session sets it.
	Elsewhere *Elsewhere `json:"counted_elsewhere,omitempty"`

	// First is the sequence of the oldest event that is still kept. It is 1 until the
	// session is trimmed.
	First uint64 `json:"-"`
	// Lease is how long the session may be silent before it is sealed, or 0 for no limit.
	Lease time.Duration `json:"-"`
	// Unpriced are the tokens, by model, that are not yet part of a cost with money.
	Unpriced []ModelTokens `json:"-"`
}

// Sealed reports whether the session has ended.
func (s *SessionInfo) Sealed() bool { return s.Status != StatusOpen }

// Status is the state of a session: open, or how it ended.
type Status string

// The statuses. A task has StatusNone before its first session.
const (
	StatusNone  Status = "none"
	StatusOpen  Status = "open"
	Succeeded   Status = "succeeded"
	Failed      Status = "failed"
	Canceled    Status = "canceled"
	Interrupted Status = "interrupted"
)

// Totals is the sum of the events of a session, or of all sessions of a task. A cumulative
// cost adds only its increase over the last cost of the same session and model. A cost with
// an id counts once in the whole log: it adds only its increase over everything that was
// reported for that id.
type Totals struct {
	Events           uint64 `json:"events"`
	USD              USD    `json:"usd"`
	InputTokens      uint64 `json:"input_tokens"`
	OutputTokens     uint64 `json:"output_tokens"`
	CacheReadTokens  uint64 `json:"cache_read_tokens"`
	CacheWriteTokens uint64 `json:"cache_write_tokens"`

	// EstimatedUSD is an estimate for the tokens that are not part of a cost with money.
	// Unpriced means that the price of some of them is not known. A log leaves both zero
	// and stores neither; the code that shows totals sets them from a list of prices.
	EstimatedUSD USD  `json:"estimated_usd,omitempty"`
	Unpriced     bool `json:"unpriced,omitempty"`
}

// USD is an amount of money in US dollars.
type USD float64

// MarshalJSON rounds to a billionth of a dollar, so that sums of decimal amounts show no
// binary rounding errors.
func (u USD) MarshalJSON() ([]byte, error) {
	rounded := math.Round(float64(u)*1e9) / 1e9
	if math.IsInf(rounded, 0) { // too large to scale: there is nothing to round
		rounded = float64(u)
	}
	return json.Marshal(rounded)
}

// Time is a moment as JSON shows it: UTC with milliseconds, null when zero.
type Time struct{ time.Time }

// MarshalJSON implements [json.Marshaler].
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	dst := append(make([]byte, 0, len(TimeFormat)+2), '"')
	return append(t.UTC().AppendFormat(dst, TimeFormat), '"'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*t = Time{}
		return nil
	}
	if err := t.Time.UnmarshalJSON(text); err != nil {
		return fmt.Errorf("eventlog: time: %w", err)
	}
	return nil
}
