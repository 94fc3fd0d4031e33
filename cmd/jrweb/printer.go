package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/blob"
	"jrweb/router/client"
	"jrweb/router/price"
)

// printer shows events to people. Of what an agent wrote, text reaches the terminal, and in
// details of what its tools put out their colours; see [colours].
type printer struct {
	out     io.Writer
	details bool
	colour  bool
	width   int          // of the terminal, 0 if there is none
	prices  *price.Table // nil: nothing is estimated
	model   string       // that works, as the last session event said
}

// maxSummary is how many characters a summary has at most.
const maxSummary = 160

// print writes one line for an event: time of day, type, summary; or all of it.
func (p *printer) print(e *client.Event) error {
	if e.Type == eventlog.TypeSession && !p.learn(e) {
		return nil
	}
	shown := *e
	shown.Data = []byte(blob.Elide(string(e.Data)))
	e = &shown
	var text strings.Builder
	who := ""
	if e.Actor != eventlog.Agent {
		who = visibleLine(string(e.Actor)) + ": "
	}
	fmt.Fprintf(&text, "%s  %s  ", p.paint(dim, e.Time.Local().Format("15:04:05")),
		p.paint(typeColour(e), fmt.Sprintf("%-11s", visibleLine(e.Type))))
	if p.details {
		fmt.Fprintf(&text, "%s#%d\n", who, e.Sequence)
		show := visible
		if e.Type == eventlog.TypeToolResult {
			show = p.output
		}
		writeFields(&text, e.Data, "    ", show)
	} else {
		text.WriteString(p.cut(who+clip(visibleLine(p.summary(e)), maxSummary), e.Type) + "\n")
	}
	_, err := io.WriteString(p.out, text.String())
	return err
}

// beforeSummary are the columns before a summary, and leastSummary are those of it on
// however narrow a terminal.
const (
	beforeSummary = len("15:04:05  assistant    ")
	leastSummary  = 10
)

// cut makes a summary fit into the line of an event of a type.
func (p *printer) cut(summary, kind string) string {
	if p.width == 0 {
		return summary
	}
	before := max(beforeSummary, len("15:04:05  ")+columns(visibleLine(kind))+2)
	return fit(summary, max(p.width-before, leastSummary))
}

// The colours, as escape sequences (SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	purple = "35"
	cyan   = "36"
	match  = "1;31" // as grep paints what it has found
)

func (p *printer) paint(colour, text string) string {
	if !p.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func typeColour(e *client.Event) string {
	d, err := readData(e.Data)
	if err != nil {
		return ""
	}
	switch e.Type {
	case eventlog.TypeThought, eventlog.TypeCost:
		return dim
	case eventlog.TypeToolCall:
		return cyan
	case eventlog.TypeToolResult:
		if d.Success {
			return green
		}
		return red
	case eventlog.TypeError, eventlog.TypeGuardrail:
		return red
	case eventlog.TypeUser, eventlog.TypeComment, eventlog.TypeQuestion:
		return purple
	case eventlog.TypeStatus, eventlog.TypeCheckpoint:
		return blue
	case eventlog.TypeComplete:
		if d.Status == string(eventlog.Succeeded) {
			return green
		}
		return yellow
	}
	return ""
}

// eventData has the fields of the known types.
type eventData struct {
	Content      string          `json:"content"`
	Tool         string          `json:"tool"`
	Args         json.RawMessage `json:"args"`
	Success      bool            `json:"success"`
	Output       string          `json:"output"`
	DurationMS   float64         `json:"duration_ms"`
	USD          float64         `json:"usd"`
	InputTokens  float64         `json:"input_tokens"`
	OutputTokens float64         `json:"output_tokens"`
	CacheRead    float64         `json:"cache_read_tokens"`
	CacheWrite   float64         `json:"cache_write_tokens"`
	Model        string          `json:"model"`
	Message      string          `json:"message"`
	Code         string          `json:"code"`
	Status       string          `json:"status"`
	Reason       string          `json:"reason"`
}

// readData reads what it can: optional fields may be of any type.
func readData(data []byte) (*eventData, error) {
	d := &eventData{}
	err := json.Unmarshal(data, d)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = nil
	}
	return d, err
}

// learn takes in what a session event says. It tells whether that is worth a line:
// another model works now.
func (p *printer) learn(e *client.Event) bool {
	d, err := readData(e.Data)
	if err != nil || d.Model == "" {
		return false
	}
	before := p.model
	p.model = d.Model
	return before != "" && before != p.model
}

// summary says in a few words what an event is about.
func (p *printer) summary(e *client.Event) string {
	d, err := readData(e.Data)
	if err != nil {
		return string(e.Data)
	}
	switch e.Type {
	case eventlog.TypeAssistant, eventlog.TypeThought, eventlog.TypeUser, eventlog.TypeStatus,
		eventlog.TypeComment, eventlog.TypeCheckpoint, eventlog.TypeGuardrail, eventlog.TypeQuestion:
		return d.Content
	case eventlog.TypeToolCall:
		return d.Tool + " " + telling(d.Args)
	case eventlog.TypeToolResult:
		return d.Tool + " " + resultSummary(d)
	case eventlog.TypeCost:
		return p.money(d) + fmt.Sprintf(", %.0f tokens in, %.0f out %s", d.InputTokens, d.OutputTokens, d.Model)
	case eventlog.TypeSession:
		return "Model: " + d.Model
	case eventlog.TypeError:
		if d.Code != "" {
			return d.Message + " (" + d.Code + ")"
		}
		return d.Message
	case eventlog.TypeComplete:
		if d.Reason != "" {
			return d.Status + ": " + d.Reason
		}
		return d.Status
	}
	return string(e.Data)
}

// money is what a cost event says, or what its tokens would cost.
func (p *printer) money(d *eventData) string {
	if d.USD != 0 {
		return exact(d.USD)
	}
	if known, ok := p.prices.Price(d.Model); ok {
		tokens := func(n float64) uint64 { return uint64(min(max(n, 0), 1e15)) }
		if estimate := known.Of(price.Tokens{
			Input: tokens(d.InputTokens), Cached: tokens(d.CacheRead), CacheWrite: tokens(d.CacheWrite), Output: tokens(d.OutputTokens),
		}); estimate > 0 {
			return "≈ " + exact(estimate)
		}
	}
	return "–"
}

// exact is an amount of money that is small, as a rule.
func exact(usd float64) string {
	if usd < 0.0001 {
		return price.Dollars(eventlog.USD(usd))
	}
	return fmt.Sprintf("$%.4f", usd)
}

func resultSummary(d *eventData) string {
	text := "ok"
	if !d.Success {
		text = "failed"
	}
	if d.DurationMS > 0 {
		text += fmt.Sprintf(", %.0f ms", d.DurationMS)
	}
	if d.Output != "" {
		// More than is shown, so that clip can tell that there is more.
		text += ": " + withoutColours(clip(d.Output, 4*maxSummary))
	}
	return text
}

// tellingArgs are the arguments that say best what a call does, in this order.
var tellingArgs = []string{"command", "cmd", "path", "file_path", "pattern", "query", "url", "description", "name"}

// telling returns the argument of a call that people want to see.
func telling(args []byte) string {
	var values map[string]json.RawMessage
	if json.Unmarshal(args, &values) == nil {
		for _, name := range tellingArgs {
			var text string
			if json.Unmarshal(values[name], &text) == nil && text != "" {
				return text
			}
		}
	}
	return string(args)
}

// writeFields writes the fields of a JSON object in their order, texts as they
// are read, one level of objects within unfolded.
func writeFields(out *strings.Builder, object []byte, indent string, show func(string) string) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		fmt.Fprintf(out, "%s%s\n", indent, visibleLine(string(object)))
		return
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			fmt.Fprintf(out, "%s%s\n", indent, visibleLine(string(object)))
			return
		}
		label := indent + visibleLine(fmt.Sprint(name)) + ":"
		var text string
		switch {
		case value[0] == '{' && len(indent) < 8 && string(value) != "{}":
			fmt.Fprintln(out, label)
			writeFields(out, value, indent+"    ", show)
		case json.Unmarshal(value, &text) != nil:
			fmt.Fprintln(out, label, visibleLine(string(value)))
		case strings.Contains(strings.TrimSuffix(text, "\n"), "\n"):
			fmt.Fprintln(out, label)
			for line := range strings.SplitSeq(strings.TrimSuffix(show(text), "\n"), "\n") {
				fmt.Fprintf(out, "%s    %s\n", indent, line)
			}
		default:
			fmt.Fprintln(out, label, show(strings.TrimSuffix(text, "\n")))
		}
	}
}
