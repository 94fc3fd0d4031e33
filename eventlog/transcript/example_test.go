package transcript_test

import (
	"fmt"
	"io"
	"log"
	"strings"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// The output of an agent, as it comes: in pieces that end anywhere.
func Example() {
	output := strings.NewReader(`Reading prompt from stdin...
{"type":"thread.started","thread_id":"0199"}
{"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"make","aggregated_output":"no rule","exit_code":2,"status":"failed"}}
{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"There is no Makefile."}}
{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":80,"output_tokens":9}}`)

	converter, err := transcript.New(transcript.Auto, nil)
	if err != nil {
		log.Fatal(err)
	}
	record := func(events []eventlog.Event) { // session.Append, as a rule
		for _, e := range events {
			fmt.Printf("%s %s\n", e.Type, e.Data)
		}
	}
	lines := transcript.NewSplitter(0)
	take := func(l transcript.Line) { record(converter.Line(l)) }
	for piece := make([]byte, 100); ; {
		n, err := output.Read(piece)
		lines.Split(piece[:n], take)
		if err == io.EOF {
			break
		}
	}
	lines.Rest(take)
	record(converter.End())
	fmt.Println("read as", converter.Format())
	// Output:
	// raw {"content":"Reading prompt from stdin...","format":"codex","reason":"this is no JSON object"}
	// session {"agent":"Codex","external_id":"0199"}
	// tool_call {"tool":"shell","args":{"command":"make"},"call_id":"item_0"}
	// tool_result {"tool":"shell","success":false,"output":"no rule","call_id":"item_0","status":"failed","exit_code":2}
	// assistant {"content":"There is no Makefile."}
	// cost {"input_tokens":20,"output_tokens":9,"cache_read_tokens":80,"cache_write_tokens":0,"scope":"cumulative","id":"0199"}
	// read as codex
}
