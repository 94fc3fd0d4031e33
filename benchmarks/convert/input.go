package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"jrweb/eventlog/transcript"
)

// ids are the members that name something once in a transcript.
var ids = regexp.MustCompile(`"(id|uuid|messageId|messageID|message_id|toolCallId|tool_call_id|toolUseID|tool_use_id|call_id|callID|item_id|tool_id|step_index)": ?"([^"]+)"`)

// texts are the members that are long in real transcripts.
var texts = regexp.MustCompile(`"(text|content|output|value|aggregated_output|delta|stdout|result)": ?"`)

// input is a fixture that is read over and over.
type input struct {
	text  []byte
	round int
}

// newInput reads the fixture of a format, and makes its texts longer by pad bytes.
func newInput(folder string, format transcript.Format, pad int) (*input, error) {
	text, err := os.ReadFile(filepath.Join(folder, string(format)+".jsonl"))
	if err != nil {
		return nil, err
	}
	if pad > 0 {
		const line = `\tif err := run(ctx); err != nil { // \"why\" it failed\n`
		more := strings.Repeat(line, pad/len(line))
		var padded []byte
		for l := range bytes.Lines(text) {
			if at := texts.FindIndex(l); at != nil { // one text of a line
				l = bytes.Join([][]byte{l[:at[1]], []byte(more), l[at[1]:]}, nil)
			}
			padded = append(padded, l...)
		}
		text = padded
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	return &input{text: text}, nil
}

// next returns the fixture again and again, each time with ids of its own, about a
// megabyte of it.
func (in *input) next() []byte {
	var text []byte
	for len(text) < 1_000_000 {
		in.round++
		text = append(text, ids.ReplaceAll(in.text, fmt.Appendf(nil, `"$1":"$2-%d"`, in.round))...)
	}
	return text
}
