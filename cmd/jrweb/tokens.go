package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"regexp"
	"unicode"

	"jrweb/eventlog"
)

// A run may be recorded twice: live, and from the file that the agent keeps of it. Both
// are compared by tokens: numbers that stand for what was said and done. Times are left
// out, because a live recording has those of arrival. So is how a text was cut into
// events, which is a matter of pauses.

// digest stands for an event, or for what a text is up to its end.
type digest uint64

// token is a digest in the order of a run.
type token struct {
	digest
	more bool // the text goes on in the next token
	tail bool // it was told only because a file ended: see fedEvent
}

// tokens are the tokens of events, in order.
type tokens struct {
	list []token
	ends []int // the number of events up to the end of each token

	events int
	text   hash.Hash // of the text that may go on, nil for none
	kind   textKind
}

// textKind says which texts belong together.
type textKind struct {
	kind   string
	inside bool // of a subagent
}

// beside are types of events that stand between those of the agent: what people and
// the recorder add. A live recording has what came on standard error as status.
var beside = map[string]bool{
	eventlog.TypeStatus: true, eventlog.TypeComment: true, eventlog.TypeCheckpoint: true,
	"question": true, "answer": true, "receipt": true,
}

func (t *tokens) add(e *eventlog.Event, tail bool) {
	before := len(t.list)
	if !beside[e.Type] && !hasAuthor(e.Data) {
		if kind, content, ok := plainText(e); ok {
			t.goOn(kind, content)
		} else {
			t.text = nil
			t.put(digestOf(e))
		}
	}
	if len(t.list) > before {
		t.list[before].tail = tail
	}
	t.events++
}

func (t *tokens) put(d digest) {
	t.list = append(t.list, token{digest: d})
	t.ends = append(t.ends, t.events+1)
}

func (t *tokens) goOn(kind textKind, content string) {
	if t.text != nil && t.kind == kind {
		t.list[len(t.list)-1].more = true
	} else {
		t.text, t.kind = sha256.New(), kind
		fmt.Fprintf(t.text, "%s\x00%t\x00", kind.kind, kind.inside)
	}
	for rest := content; rest != ""; {
		i := len(rest)
		for k, r := range rest {
			if unicode.IsSpace(r) {
				i = k
				break
			}
		}
		t.text.Write([]byte(rest[:i]))
		rest = trimLeftSpace(rest[i:])
	}
	t.put(digest(binary.BigEndian.Uint64(t.text.Sum(nil))))
}

func trimLeftSpace(text string) string {
	for i, r := range text {
		if !unicode.IsSpace(r) {
			return text[i:]
		}
	}
	return ""
}

// plainText returns what the agent says, if the event has nothing else.
func plainText(e *eventlog.Event) (kind textKind, content string, ok bool) {
	if e.Type != eventlog.TypeAssistant && e.Type != eventlog.TypeThought {
		return textKind{}, "", false
	}
	var data map[string]json.RawMessage
	if json.Unmarshal(e.Data, &data) != nil {
		return textKind{}, "", false
	}
	kind.kind = e.Type
	for name, value := range data {
		switch name {
		case "content":
			ok = json.Unmarshal(value, &content) == nil
		case "parent_call_id":
			kind.inside = true
		default:
			return textKind{}, "", false
		}
	}
	return kind, content, ok
}

// hasAuthor reports whether a person wrote the event in the log itself.
func hasAuthor(data []byte) bool {
	if !bytes.Contains(data, []byte(`"author"`)) {
		return false
	}
	var who struct{ Author json.RawMessage }
	return json.Unmarshal(data, &who) == nil && who.Author != nil
}

// calledBy is which call a subagent works for, at the end of an event's data. That may
// be known only later.
var calledBy = regexp.MustCompile(`,"parent_call_id":"(?:[^"\\]|\\.)*"\}$`)

// digestOf stands for an event without its time.
func digestOf(e *eventlog.Event) digest {
	actor := e.Actor
	if actor == "" {
		actor = eventlog.Agent
	}
	var text bytes.Buffer
	text.WriteString(e.Type + "\x00" + string(actor) + "\x00")
	if err := json.Compact(&text, e.Data); err != nil {
		text.Write(e.Data)
	}
	text.Truncate(text.Len() - len(calledBy.Find(text.Bytes())))
	sum := sha256.Sum256(text.Bytes())
	return digest(binary.BigEndian.Uint64(sum[:]))
}

// within finds some tokens among others, in their order, and returns where. It is false
// if one is not there. Where a text was cut in two, the others may have it whole. What
// is some's own tail does not count.
func within(some, others []token) (at []int, ok bool) {
	k := 0
	for i, one := range some {
		if one.tail {
			continue
		}
		n := k
		for n < len(others) && others[n].digest != one.digest {
			n++
		}
		goesOn := one.more && i+1 < len(some) && !some[i+1].tail
		switch {
		case n < len(others):
			at, k = append(at, n), n+1
		case !goesOn:
			return nil, false
		}
	}
	return at, len(at) > 0
}

// eventsOf returns which events belong to tokens: from, and below to.
func (t *tokens) eventsOf(first, last int) (from, to int) {
	if first > 0 {
		from = t.ends[first-1]
	}
	return from, t.ends[last]
}
