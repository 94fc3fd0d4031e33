package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	// subagentName is how Claude Code calls the file of a subagent, packed or not.
	subagentName = regexp.MustCompile(`^agent-([A-Za-z0-9_-]+)\.jsonl(\.gz|\.zst)?$`)
	// subagentMeta is how it calls what stands beside it.
	subagentMeta = regexp.MustCompile(`^agent-[A-Za-z0-9_-]+\.meta\.json$`)
	// sessionName is how it calls the file of a session.
	sessionName = regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(\.gz|\.zst)?$`)
	// chatName is how Gemini CLI calls the file of a chat, in a folder "chats". Those of
	// its subagents are called by their ids, and stand in a folder that is called by the
	// session of the chat.
	chatName = regexp.MustCompile(`^session-.+\.jsonl(\.gz|\.zst)?$`)
)

const (
	subagentsFolder = "subagents"
	chatsFolder     = "chats"
)

// subagentFile is what an agent keeps of one of its subagents.
type subagentFile struct {
	id   string // the agent's own, from the file's name
	path string
	// caller is the agent's id of the run, where the file's place tells it.
	caller string
}

// metaPath is what stands beside the file, if anything does.
func (s subagentFile) metaPath() string {
	base, _, _ := strings.Cut(filepath.Base(s.path), ".")
	return filepath.Join(filepath.Dir(s.path), base+".meta.json")
}

// hasSubagent reports whether the file of a subagent stands beside its meta.json.
func hasSubagent(meta string) bool {
	found, _ := filepath.Glob(strings.TrimSuffix(meta, ".meta.json") + ".jsonl*")
	return len(found) > 0
}

// sessionOfSubagent returns the file of the session that a subagent worked for, "" if
// it is not there.
func (g *gatherer) sessionOfSubagent(path string) string {
	dir := filepath.Dir(path)
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if filepath.Base(at) == subagentsFolder {
			return existing(filepath.Dir(at) + ".jsonl")
		}
	}
	// Older versions keep both in one folder.
	if session := g.sessionInFile(path); session != "" {
		return existing(filepath.Join(dir, session+".jsonl"))
	}
	return ""
}

// sessionInFile returns the session that the first line of a file names, "" if it
// names none that could be the name of a file.
func (g *gatherer) sessionInFile(path string) string {
	if session := g.sessions.of(path); session != "" {
		return session
	}
	var line struct {
		SessionID string `json:"sessionId"`
	}
	_ = readFile(path, func(l inputLine) error {
		if json.Unmarshal(l.text, &line) != nil {
			line.SessionID = ""
		}
		return errEnough
	}) // what cannot be read names none
	if !sessionName.MatchString(line.SessionID + ".jsonl") {
		return "" // yet: the line may not be whole
	}
	g.sessions.put(path, line.SessionID)
	return line.SessionID
}

// subagentsOf returns the files of a session's subagents.
func (g *gatherer) subagentsOf(path string) ([]subagentFile, error) {
	found := subagentFiles{}
	dir, base := filepath.Split(path)
	stem, isLines := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".zst"), ".jsonl")
	if !isLines {
		return nil, nil
	}
	err := filepath.WalkDir(filepath.Join(dir, stem, subagentsFolder), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.Type().IsRegular() {
			found.take(subagentName, path, "")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if sessionName.MatchString(base) {
		for _, path := range matching(dir, "agent-*.jsonl*") {
			if subagentName.MatchString(filepath.Base(path)) && g.sessionInFile(path) == stem {
				found.take(subagentName, path, "")
			}
		}
	}
	if session := g.sessionOfChat(path); session != "" && g.chatOf(filepath.Clean(dir), session) == path {
		for _, path := range matching(filepath.Join(dir, session), "*.jsonl*") {
			found.take(sessionName, path, session)
		}
	}
	return found.sorted(), nil
}

// subagentFiles are files of subagents by the ids of these.
type subagentFiles map[string]subagentFile

// take adds a file whose name has an id.
func (f subagentFiles) take(pattern *regexp.Regexp, path, caller string) {
	id := pattern.FindStringSubmatch(filepath.Base(path))
	if id == nil {
		return
	}
	if known, twice := f[id[1]]; !twice || len(path) < len(known.path) { // the one that is not packed
		f[id[1]] = subagentFile{id: id[1], path: path, caller: caller}
	}
}

func (f subagentFiles) sorted() (all []subagentFile) {
	for _, id := range slices.Sorted(maps.Keys(f)) {
		all = append(all, f[id])
	}
	return all
}

// sessionOfChat returns the session of a chat of Gemini CLI, "" if the file is not such a chat.
func (g *gatherer) sessionOfChat(path string) string {
	dir, base := filepath.Split(path)
	if !isChats(dir) || !chatName.MatchString(base) {
		return ""
	}
	return g.sessionInFile(path)
}

// isChats reports whether a folder is one where Gemini CLI keeps chats.
func isChats(dir string) bool {
	path, err := filepath.Abs(dir)
	return err == nil && filepath.Base(path) == chatsFolder
}

// chatOf returns the chat of a session in a folder of chats, "" if it is not there. A
// session that is resumed has a file more that begins as the chat does: the first in the
// order of their times is the one that goes on.
func (g *gatherer) chatOf(chats, session string) string {
	for _, path := range matching(chats, "session-*.jsonl*") {
		if g.sessionOfChat(path) == session {
			return path
		}
	}
	return ""
}

// chatOfSubagent returns the chat that a subagent of Gemini CLI worked for, "" if the
// file is not of such a subagent, or the chat is not there.
func (g *gatherer) chatOfSubagent(path string) string {
	dir, base := filepath.Split(path)
	dir = filepath.Clean(dir)
	chats, session := filepath.Split(dir)
	if !isChats(chats) || !sessionName.MatchString(base) || !sessionName.MatchString(session+".jsonl") {
		return ""
	}
	return g.chatOf(filepath.Clean(chats), session)
}

// matching returns the files of a folder whose names match a pattern, in order.
func matching(dir, pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern)) // the patterns are good
	return found
}

// escapeGlob makes a pattern that matches a path alone.
func escapeGlob(path string) string {
	return regexp.MustCompile(`[\\*?\[]`).ReplaceAllString(path, `\$0`)
}
