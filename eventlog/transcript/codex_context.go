package transcript

import (
	"encoding/json"
	"regexp"
	"strings"
)

// codexPiece is a piece of a message that has the role of the user: the person's words
// and images, or what Codex itself puts beside them.
type codexPiece struct {
	context bool
	text    string
	parts   json.RawMessage
}

// codexPieces takes a message apart. Kinds, one for each block, are what newer versions
// say of where a block comes from.
func codexPieces(content json.RawMessage, kinds []string) []codexPiece {
	blocks := listOf(content)
	if blocks == nil {
		blocks = []json.RawMessage{data(nil).text("type", "text").text("text", textOf(content)).object()}
	}
	if len(kinds) != len(blocks) {
		kinds = make([]string, len(blocks))
	}
	var pieces []codexPiece
	var own []json.RawMessage // blocks of the person, in a row
	words := func() {
		if text, parts := contentText(partsOf(own)); len(own) > 0 {
			pieces = append(pieces, codexPiece{text: text, parts: parts})
		}
		own = nil
	}
	for i, block := range blocks {
		o := parseObject(block)
		text := o.value("text")
		switch {
		case text == nil:
			own = append(own, block)
		case imageTag.MatchString(strings.TrimSpace(textOf(text))):
			// Stands around an image that has its own block.
		case strings.HasPrefix(kinds[i], "user."):
			own = append(own, block)
		case kinds[i] != "" && kinds[i] != "unknown":
			words()
			pieces = append(pieces, codexPiece{context: true, text: textOf(text)})
		default:
			for _, piece := range splitContext(textOf(text)) {
				if piece.context {
					words()
					pieces = append(pieces, piece)
				} else {
					own = append(own, data(nil).text("type", "text").text("text", piece.text).object())
				}
			}
		}
	}
	words()
	return pieces
}

var (
	imageTag = regexp.MustCompile(`\A</?image\b[^<>]*>\z`)
	// contextTag is the beginning of what may be a wrapper. Some names have a space.
	contextTag = regexp.MustCompile(`(?m)^[ \t]*<([a-zA-Z][\w-]*(?: instructions)?)(?: [^<>\n]*)?>`)
	// request stands between what an editor adds and the person's words.
	request = regexp.MustCompile(`(?mi)^##[ \t]*my request(?: for [^:\n]{1,20})?:`)
)

// contextTags are the wrappers that Codex uses. Any other tag is taken for one only if
// it is around all of a text and has an underscore in its name, as all of Codex's have.
var contextTags = map[string]bool{
	"environment_context": true, "user_instructions": true, "instructions": true, "turn_aborted": true,
	"permissions": true, "permissions instructions": true, "skill": true, "skills_instructions": true,
	"subagent_notification": true, "user_shell_command": true, "user_action": true, "hook_prompt": true,
	"hook_context": true, "model_switch": true, "personality_spec": true, "collaboration_mode": true,
	"multi_agent_mode": true, "multi_agent_role": true, "realtime_conversation": true, "goal_context": true,
	"token_budget": true, "token_budget_reminder": true, "context_window": true, "context_window_guidance": true,
	"rollout_budget": true, "app-context": true, "apps_instructions": true, "plugins_instructions": true,
	"recommended_plugins": true, "codex_internal_context": true, "loaded_context": true, "external_context": true,
}

// wholeContexts are beginnings of texts that are context up to their end, or up to the
// words of the person where these are marked.
var wholeContexts = []string{
	"# Context from my IDE setup", "# Files mentioned by the user", "# In app browser",
	"Warning: The maximum number of unified exec processes", "Warning: apply_patch was requested via",
}

// splitContext takes the wrappers out of a text. The pieces are in their order.
func splitContext(text string) []codexPiece {
	start := strings.TrimSpace(text)
	if start == "" {
		return nil
	}
	if strings.HasPrefix(start, "# AGENTS.md instructions") {
		for _, end := range []string{"</INSTRUCTIONS>", "</user_instructions>"} {
			if i := strings.Index(text, end); i >= 0 {
				return append(contextPiece(text[:i+len(end)]), splitTags(text[i+len(end):])...)
			}
		}
		return contextPiece(text)
	}
	if at := request.FindStringIndex(text); at != nil && (strings.HasPrefix(start, "# ") || request.FindStringIndex(start)[0] == 0) {
		return append(contextPiece(text[:at[0]]), wordsPiece(text[at[1]:])...)
	}
	for _, beginning := range wholeContexts {
		if strings.HasPrefix(start, beginning) {
			return contextPiece(text)
		}
	}
	return splitTags(text)
}

// mostWrappers is how many wrappers are looked for in a text.
const mostWrappers = 64

// splitTags takes the wrappers out of a text that are tags.
func splitTags(text string) (pieces []codexPiece) {
	from := 0
	for _, at := range contextTag.FindAllStringSubmatchIndex(text, mostWrappers) {
		if at[0] < from {
			continue // inside of another one
		}
		name := text[at[2]:at[3]]
		known := contextTags[strings.ToLower(name)]
		first := strings.TrimSpace(text[:at[0]]) == ""
		closing := "</" + name + ">"
		i := strings.Index(text[at[1]:], closing)
		if i < 0 {
			if known && first {
				return contextPiece(text)
			}
			continue
		}
		end := at[1] + i + len(closing)
		if !known && !(first && strings.Contains(name, "_") && strings.TrimSpace(text[end:]) == "") {
			continue
		}
		pieces = append(append(pieces, wordsPiece(text[from:at[0]])...), contextPiece(text[at[0]:end])...)
		from = end
	}
	return append(pieces, wordsPiece(text[from:])...)
}

func contextPiece(text string) []codexPiece {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return []codexPiece{{context: true, text: text}}
}

func wordsPiece(text string) []codexPiece {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return []codexPiece{{text: strings.Trim(text, "\r\n")}}
}
