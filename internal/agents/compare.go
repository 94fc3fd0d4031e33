package agents

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"jrweb/eventlog"
	"jrweb/internal/agents/model"
)

// Session is a session as jrweb shows it.
type Session struct {
	ExternalID string
	Parent     string // the external id of its parent
	Status     string
	Reason     string
	Events     []eventlog.Event
}

// Task is a task as jrweb shows it.
type Task struct {
	Sessions []Session // oldest first
	Tokens   model.Tokens
	// NoCache says that the totals do not tell of caches.
	NoCache bool
}

// observed is what is seen in a session.
type observed struct {
	items  []Item // a call with its result
	below  []Item
	errors []string
	raw    int
	wrong  []string
}

// data is what we look at in the data of events.
type data struct {
	Content string          `json:"content"`
	Message string          `json:"message"`
	Tool    string          `json:"tool"`
	Args    json.RawMessage `json:"args"`
	CallID  string          `json:"call_id"`
	Parent  string          `json:"parent_call_id"`
	Success bool            `json:"success"`
	Output  string          `json:"output"`
	Parts   []struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type"`
		Data      []byte `json:"data"`
	} `json:"parts"`
}

// observe reads the events of a session.
func observe(s Session, w Want) (o observed) {
	type place struct {
		list *[]Item
		at   int
	}
	calls, done := map[string]place{}, map[string]bool{}
	for _, e := range s.Events {
		var d data
		if err := json.Unmarshal(e.Data, &d); err != nil {
			o.wrong = append(o.wrong, err.Error())
			continue
		}
		list := &o.items
		if d.Parent != "" {
			list = &o.below
			if _, ok := calls[d.Parent]; !ok {
				o.wrong = append(o.wrong, fmt.Sprintf("nesting: %s below a call %s that is not there", e.Type, d.Parent))
			}
		}
		switch e.Type {
		case eventlog.TypeAssistant, eventlog.TypeThought:
			if last := len(*list) - 1; w.Pieces && last >= 0 && (*list)[last].Kind == e.Type {
				(*list)[last].Text += d.Content
				continue
			}
			*list = append(*list, Item{Kind: e.Type, Text: d.Content})
		case eventlog.TypeUser:
			switch {
			case e.Actor != eventlog.Human: // context
			case w.Prompt != "" && strings.Contains(d.Content, w.Prompt):
				o.wrong = append(o.wrong, "words: what a subagent is told is taken for a person's words")
			default:
				*list = append(*list, Item{Kind: "user", Text: strings.TrimSpace(d.Content)})
			}
		case eventlog.TypeToolCall:
			if _, again := calls[d.CallID]; again && d.CallID != "" {
				o.wrong = append(o.wrong, fmt.Sprintf("calls: %s is told twice", d.Tool))
				continue
			}
			calls[d.CallID] = place{list, len(*list)}
			// A call without a result hangs.
			*list = append(*list, Item{Kind: "call", Text: d.Tool, Seen: Seen{Tool: d.Tool, Args: map[string]any{"": leaves(d.Args)}, Hangs: true}})
		case eventlog.TypeToolResult:
			at, ok := calls[d.CallID]
			switch {
			case !ok:
				o.wrong = append(o.wrong, fmt.Sprintf("results: one of %q has no call", d.Tool))
				continue
			case done[d.CallID]:
				o.wrong = append(o.wrong, fmt.Sprintf("results: two of %s", d.Tool))
			}
			done[d.CallID] = true
			call := &(*at.list)[at.at]
			call.Seen.Hangs, call.Seen.Fails, call.Seen.Output = false, !d.Success, d.Output
			for _, p := range d.Parts {
				call.Seen.Image = call.Seen.Image || p.Type == "image" && p.MediaType == "image/png" && len(p.Data) > 0
			}
			if d.Tool != call.Text {
				o.wrong = append(o.wrong, fmt.Sprintf("results: %s answers %s", d.Tool, call.Text))
			}
		case eventlog.TypeError:
			o.errors = append(o.errors, d.Message)
		case "raw":
			o.raw++
		}
	}
	return o
}

// leaves are all texts and numbers in some JSON, on lines.
func leaves(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	var b strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		default:
			fmt.Fprintf(&b, "%v\n", v)
		}
	}
	walk(v)
	return b.String()
}

// Compare tells how a task differs from what is wanted, each time with a word first
// that says in what: words, calls, results, nesting, errors, raw, end, tokens or
// sessions.
func Compare(w Want, t Task) (differences []string) {
	differ := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	var below []Item
	var main []Session
	var errors []string
	raw := 0
	ids := map[string]bool{}
	for _, s := range t.Sessions {
		ids[s.ExternalID] = true
	}
	for _, s := range t.Sessions {
		o := observe(s, w)
		differences = append(differences, o.wrong...)
		errors, raw = append(errors, o.errors...), raw+o.raw
		below = append(below, o.below...)
		// A subagent may have a session of its own, tied to that of its parent.
		if tied := s.Parent != "" && ids[s.Parent]; w.Prompt != "" && (tied || len(main) == len(w.Sessions)) {
			below = append(below, o.items...)
			if !tied {
				differ("nesting: the subagent's session %s is tied to none", s.ExternalID)
			}
			continue
		}
		if w.Summary != "" {
			o.items = slices.DeleteFunc(o.items, func(i Item) bool { return i.Kind == "assistant" && strings.Contains(i.Text, w.Summary) })
		}
		if len(main) < len(w.Sessions) {
			differences = append(differences, compareItems(w.Sessions[len(main)], o.items)...)
		}
		main = append(main, s)
	}
	if len(main) != len(w.Sessions) {
		differ("sessions: %d, want %d", len(main), len(w.Sessions))
	}
	for _, d := range compareItems(w.Below, below) {
		differ("nesting: %s", d)
	}
	if raw > 0 {
		differ("raw: %d lines", raw)
	}
	told := slices.ContainsFunc(errors, func(m string) bool { return w.Errors != "" && strings.Contains(m, w.Errors) })
	if w.Errors != "" && !told {
		differ("errors: %q is in none of %q", w.Errors, errors)
	}
	if w.Errors == "" && !w.Retried && len(errors) > 0 {
		differ("errors: %q", errors)
	}
	if len(main) > 0 {
		last := main[len(main)-1]
		if !slices.Contains(w.Ends, last.Status) {
			differ("end: %s (%s), want %s", last.Status, last.Reason, strings.Join(w.Ends, " or "))
		}
	}
	return append(differences, compareTokens(w, t)...)
}

func compareTokens(w Want, t Task) (differences []string) {
	if w.Unknown {
		return nil
	}
	check := func(name string, got, least, most int) {
		if got < least || got > most {
			want := fmt.Sprint(least)
			if most != least {
				want = fmt.Sprintf("%d to %d", least, most)
			}
			differences = append(differences, fmt.Sprintf("tokens: %s %d, want %s", name, got, want))
		}
	}
	check("input", t.Tokens.Input, w.Least.Input, w.Most.Input)
	check("output", t.Tokens.Output, w.Least.Output, w.Most.Output)
	if !t.NoCache {
		check("cache read", t.Tokens.CacheRead, w.Least.CacheRead, w.Most.CacheRead)
		check("cache write", t.Tokens.CacheWrite, w.Least.CacheWrite, w.Most.CacheWrite)
	}
	return differences
}

// compareItems compares two lists. Calls that follow each other may stand in any
// order: they may have run at the same time.
func compareItems(want, got []Item) (differences []string) {
	got = slices.Clone(got)
	for i := range max(len(want), len(got)) {
		if i < len(want) && want[i].Late {
			k := i
			for k < len(got) && got[k].Kind == "call" {
				k++
			}
			if k < len(got) {
				words := got[k]
				got = slices.Insert(slices.Delete(got, k, k+1), i, words)
			}
		}
		switch {
		case i >= len(got):
			return append(differences, fmt.Sprintf("%s: %s is missing", want[i].aspect(), want[i]))
		case i >= len(want):
			return append(differences, fmt.Sprintf("%s: %s is too many", got[i].aspect(), got[i]))
		case want[i].Kind != got[i].Kind || want[i].Kind != "call" && want[i].Text != strings.TrimSpace(got[i].Text):
			return append(differences, fmt.Sprintf("%s: %s, want %s", want[i].aspect(), got[i], want[i]))
		case want[i].Kind == "call":
			for k := i; k < len(got) && got[k].Kind == "call"; k++ {
				if compareCalls(want[i].Seen, got[k].Seen) == nil {
					found := got[k]
					got = slices.Insert(slices.Delete(got, k, k+1), i, found)
					break
				}
			}
			differences = append(differences, compareCalls(want[i].Seen, got[i].Seen)...)
		}
	}
	return differences
}

func compareCalls(want, got Seen) (differences []string) {
	differ := func(format string, args ...any) {
		differences = append(differences, fmt.Sprintf(format, args...))
	}
	if !slices.Contains(strings.Split(want.Tool, "|"), got.Tool) {
		differ("calls: tool %s, want %s", got.Tool, want.Tool)
	}
	args := got.Args[""].(string)
	for name, v := range want.Args {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err) // made of constants
		}
		for leaf := range strings.Lines(leaves(raw)) {
			if !strings.Contains(args, strings.TrimSuffix(leaf, "\n")) {
				differ("calls: %s: %q of %s is not in the arguments", got.Tool, leaf, name)
			}
		}
	}
	switch {
	case want.Hangs && got.Hangs: // what was cut has no result
	case got.Hangs:
		differ("results: %s has none", got.Tool)
	case got.Fails != want.Fails && !want.Unsure:
		differ("results: %s fails: %t, want %t", got.Tool, got.Fails, want.Fails)
	case got.Image != want.Image:
		differ("results: %s holds an image: %t, want %t", got.Tool, got.Image, want.Image)
	case !strings.Contains(got.Output, want.Output):
		differ("results: %s says %.80q, want %q", got.Tool, got.Output, want.Output)
	}
	return differences
}

func (i Item) aspect() string {
	if i.Kind == "call" {
		return "calls"
	}
	return "words"
}

func (i Item) String() string {
	if i.Kind == "call" {
		return "the call of " + i.Text
	}
	return fmt.Sprintf("%s %.60q", i.Kind, i.Text)
}
