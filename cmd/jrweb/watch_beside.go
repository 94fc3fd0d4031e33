package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"jrweb/eventlog/transcript"
)

// besidePlaces are transcripts that do not tell, or not at their beginning, whose they are:
// which thread, and in which directory. Their path names the thread, and the agent keeps the
// directory in another file.
var besidePlaces = []struct {
	path *regexp.Regexp // with the name of the thread and that of a subagent, if it tells them
	dir  func(path string) string
}{
	{regexp.MustCompile(`/sessions/[^/]+/([^/]+)/(?:wire|context)\.jsonl$`), dirOfKimi},
	{regexp.MustCompile(`/sessions/[^/]+/([^/]+)/agents/([^/]+)/wire\.jsonl$`), dirOfKimiCode},
	{regexp.MustCompile(`/tasks/([^/]+)/(?:ui_messages|api_conversation_history)\.json$`), dirOfCline},
	{regexp.MustCompile(`/([^/]+)/events/[^/]+\.json$`), dirOfOpenHands},
	{regexp.MustCompile(`/chats/(?:session-[^/]+|[^/]+/[^/]+)\.jsonl?$`), dirOfGemini},
}

// withBeside completes what a transcript tells of its run by what stands beside it.
func withBeside(o transcript.Origin, path string) transcript.Origin {
	path = unpackedName(path)
	for _, place := range besidePlaces {
		names := place.path.FindStringSubmatch(filepath.ToSlash(path))
		if names == nil {
			continue
		}
		if o.Session == "" && len(names) > 1 {
			o.Session = asUUID(names[1])
			if len(names) > 2 && names[2] != "main" {
				o.Session, o.Parent = names[1]+"-"+names[2], names[1]
			}
		}
		if o.Dir == "" {
			o.Dir = place.dir(path)
		}
	}
	return o
}

// mostBeside is how much of a file is read for a directory.
const mostBeside = 4 << 20

// readBeside reads a file, which need not be there.
func readBeside(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read from
	text, _ := io.ReadAll(io.LimitReader(f, mostBeside))
	return text
}

// dirOfKimi: Kimi CLI names the folder of a directory's sessions by its hash, and keeps a
// list of the directories.
func dirOfKimi(path string) string {
	folder := filepath.Dir(filepath.Dir(path))
	var list struct {
		Dirs []struct {
			Path string `json:"path"`
		} `json:"work_dirs"`
	}
	if json.Unmarshal(readBeside(filepath.Join(folder, "..", "..", "kimi.json")), &list) != nil {
		return "" // it is being written, or another version's
	}
	for _, dir := range list.Dirs {
		sum := md5.Sum([]byte(dir.Path))
		if filepath.Base(folder) == hex.EncodeToString(sum[:]) {
			return dir.Path
		}
	}
	return ""
}

// dirOfKimiCode: Kimi Code keeps the directory in the state of the session.
func dirOfKimiCode(path string) string {
	var state struct {
		Dir string `json:"workDir"`
	}
	if json.Unmarshal(readBeside(filepath.Join(filepath.Dir(path), "..", "..", "state.json")), &state) != nil {
		return "" // it is being written, or another version's
	}
	return state.Dir
}

// clineDirectory is how Cline, Roo Code and Kilo Code tell the model the directory.
var clineDirectory = regexp.MustCompile(`# Current (?:Working|Workspace) Directory \((/[^)\\"]*)\)`)

// dirOfCline: what went to the model names the directory, in the first message.
func dirOfCline(path string) string {
	for _, name := range []string{"api_conversation_history.json", "ui_messages.json"} {
		if dir := clineDirectory.FindSubmatch(readBeside(filepath.Join(filepath.Dir(path), name))); dir != nil {
			return string(dir[1])
		}
	}
	return ""
}

// dirOfGemini: Gemini CLI marks the folder of a directory's chats with the directory.
func dirOfGemini(path string) string {
	folder, _, _ := strings.Cut(path, "/chats/")
	return strings.TrimSpace(string(readBeside(filepath.Join(folder, ".project_root"))))
}

// conversationState returns the file in which OpenHands keeps the state of a conversation,
// with its costs, beside the folder of its events. It is empty if there is none.
func conversationState(event string) string {
	dir := filepath.Dir(event)
	path := filepath.Join(filepath.Dir(dir), "base_state.json")
	if filepath.Base(dir) != eventsFolder || !isEvent(path) {
		return ""
	}
	return path
}

// dirOfOpenHands: OpenHands keeps the directory in the state of the conversation.
func dirOfOpenHands(path string) string {
	var state struct {
		Workspace struct {
			Dir string `json:"working_dir"`
		} `json:"workspace"`
	}
	if json.Unmarshal(readBeside(filepath.Join(filepath.Dir(path), "..", "base_state.json")), &state) != nil {
		return "" // it is being written, or there is none
	}
	return state.Workspace.Dir
}

// asUUID writes an id as transcripts do: OpenHands leaves the dashes out in the names of
// folders.
func asUUID(id string) string {
	if _, err := hex.DecodeString(id); err != nil || len(id) != 32 {
		return id
	}
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
}
