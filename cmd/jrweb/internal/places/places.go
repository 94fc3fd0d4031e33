// Package places knows where coding agents keep their transcripts:
//
//	all, err := places.Of(os.Getenv, home, nil)
//	for _, p := range all {
//		if p.Has(path) { … }
//	}
//
// What it promises:
//
//   - An agent's own environment variables say where its files are, as they do for the
//     agent. A relative path in one of them means nothing here, and is passed over.
//   - A root that a person gives takes the place of all of that agent's.
//   - It only computes: it opens no file, and a folder need not exist.
//
// Caveats: of agents that keep their sessions in databases, those are in the table that
// package agentdb can read. docs/formats.md says from where each line of the table is known.
package places

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Place is a folder in which an agent keeps transcripts.
type Place struct {
	// Agent is the agent's short name, as in -root.
	Agent string
	// Dir is the folder.
	Dir string
	// Flat says that the transcripts stand in Dir itself, and never in folders of it.
	Flat  bool
	files *regexp.Regexp
}

// Has reports whether a file below Dir is a transcript, or belongs to one, by its name. It
// may be packed.
func (p Place) Has(path string) bool {
	rel, err := filepath.Rel(p.Dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return false
	}
	rel = strings.TrimSuffix(strings.TrimSuffix(rel, ".gz"), ".zst")
	return p.files.MatchString("/" + filepath.ToSlash(rel))
}

// agent is a line of the table.
type agent struct {
	// files matches what the agent calls them, below any folder.
	files string
	// flat says that they stand in the folders themselves: what is below is large, and
	// something else.
	flat bool
	// dirs are where they are. The first whose variable is set counts; those without a
	// variable count all, if none is set.
	dirs []dir
}

// dir is a folder, below what a variable says, or below home.
type dir struct{ variable, path string }

const (
	xdgData   = "XDG_DATA_HOME"
	xdgConfig = "XDG_CONFIG_HOME"
)

// agents is the table.
var agents = map[string]agent{
	"claude": {
		files: `/[^/]+/[^/]+\.jsonl$|/subagents/.*agent-[^/]+\.jsonl$`,
		dirs:  []dir{{"CLAUDE_CONFIG_DIR", "projects"}, {"", ".claude/projects"}, {"", ".config/claude/projects"}},
	},
	"codex": {
		files: `/rollout-[^/]+\.jsonl$`,
		dirs: []dir{
			{"CODEX_HOME", "sessions"}, {"CODEX_HOME", "archived_sessions"},
			{"", ".codex/sessions"}, {"", ".codex/archived_sessions"},
		},
	},
	"gemini": {
		files: `/chats/session-[^/]+\.jsonl?$|/chats/[^/]+/[^/]+\.jsonl$`,
		dirs:  []dir{{"GEMINI_CLI_HOME", ".gemini/tmp"}, {"", ".gemini/tmp"}},
	},
	"qwen": {
		files: `/chats/[^/]+\.jsonl$|/subagents/.*agent-[^/]+\.jsonl$`,
		dirs:  []dir{{"QWEN_RUNTIME_DIR", "projects"}, {"QWEN_HOME", "projects"}, {"", ".qwen/projects"}},
	},
	"pi": {
		files: `\.jsonl$`,
		dirs:  []dir{{"PI_CODING_AGENT_SESSION_DIR", ""}, {"PI_CODING_AGENT_DIR", "sessions"}, {"", ".pi/agent/sessions"}},
	},
	"copilot": {
		files: `/events\.jsonl$`,
		dirs:  []dir{{"COPILOT_HOME", "session-state"}, {"", ".copilot/session-state"}},
	},
	"kimi": {
		files: `/wire\.jsonl$|/context\.jsonl$`,
		dirs:  []dir{{"KIMI_SHARE_DIR", "sessions"}, {"", ".kimi/sessions"}},
	},
	"kimi-code": {
		files: `/wire\.jsonl$`,
		dirs:  []dir{{"KIMI_CODE_HOME", "sessions"}, {"", ".kimi-code/sessions"}},
	},
	"droid": {
		files: `\.jsonl$`,
		dirs:  []dir{{"", ".factory/sessions"}},
	},
	"amp": {
		files: `/T-[^/]+\.json$`,
		dirs:  []dir{{xdgData, "amp/threads"}, {"", ".local/share/amp/threads"}},
	},
	"goose": {
		files: `\.jsonl$|^/sessions\.db(?:-wal)?$`,
		dirs:  []dir{{"GOOSE_PATH_ROOT", "data/sessions"}, {xdgData, "goose/sessions"}, {"", ".local/share/goose/sessions"}},
	},
	"crush": {
		files: `^/crush\.db(?:-wal)?$|^/projects\.json$`, flat: true,
		dirs: []dir{{xdgData, "crush"}, {"", ".local/share/crush"}},
	},
	"opencode": {
		files: `^/opencode(?:-[A-Za-z0-9._-]+)?\.db(?:-wal)?$`, flat: true,
		dirs: []dir{{"OPENCODE_DB", ".."}, {xdgData, "opencode"}, {"", ".local/share/opencode"}},
	},
	"openhands": {
		files: `/events/(?:event-)?[0-9]+[^/]*\.json$`,
		dirs: []dir{
			{"OPENHANDS_CONVERSATIONS_DIR", ""}, {"OPENHANDS_PERSISTENCE_DIR", "conversations"},
			{"", ".openhands/conversations"},
		},
	},
	"cline": {
		files: `/tasks/[^/]+/(?:ui_messages|api_conversation_history)\.json$`,
		dirs: append(inEditors("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code"),
			dir{"", ".cline/data"}),
	},
}

// inEditors are the folders of extensions of VS Code and Cursor, on Linux and macOS.
func inEditors(extensions ...string) (dirs []dir) {
	for _, editor := range []string{"Code", "Code - Insiders", "VSCodium", "Cursor"} {
		for _, extension := range extensions {
			storage := filepath.Join(editor, "User", "globalStorage", extension)
			dirs = append(dirs,
				dir{"", filepath.Join(".config", storage)},
				dir{"", filepath.Join("Library", "Application Support", storage)})
		}
	}
	return dirs
}

// IsList reports whether a file below Dir is not a transcript, but names more places.
func (p Place) IsList(path string) bool {
	return p.Agent == "crush" && filepath.Base(path) == "projects.json" && p.Has(path)
}

// Listed returns the places that such a file names: Crush keeps a database in each project.
func (p Place) Listed(text []byte) (all []Place) {
	var list struct {
		Projects []struct {
			Path    string `json:"path"`
			DataDir string `json:"data_dir"`
		} `json:"projects"`
	}
	if json.Unmarshal(text, &list) != nil {
		return nil // it is being written
	}
	for _, project := range list.Projects {
		data := project.DataDir
		if !filepath.IsAbs(data) {
			data = filepath.Join(project.Path, data)
		}
		if filepath.IsAbs(data) {
			all = append(all, Place{Agent: p.Agent, Dir: filepath.Clean(data), Flat: true, files: p.files})
		}
	}
	return all
}

// Agents returns the short names of all agents in the table.
func Agents() []string { return slices.Sorted(maps.Keys(agents)) }

// Of returns the places of all agents, for an environment and a home directory. Roots are
// "agent=folder", and take the place of what the table says of that agent. It fails for
// one that is not of this form.
func Of(getenv func(string) string, home string, roots []string) ([]Place, error) {
	given := map[string][]string{}
	for _, root := range roots {
		name, folder, ok := strings.Cut(root, "=")
		if _, known := agents[name]; !ok || folder == "" || !known {
			return nil, fmt.Errorf("%q is not AGENT=DIR with one of the agents %s", root, strings.Join(Agents(), ", "))
		}
		folder, err := filepath.Abs(folder)
		if err != nil {
			return nil, err
		}
		given[name] = append(given[name], folder)
	}
	var all []Place
	for _, name := range Agents() {
		a := agents[name]
		dirs := given[name]
		if dirs == nil {
			dirs = a.of(getenv, home)
		}
		for _, d := range dirs {
			all = append(all, Place{Agent: name, Dir: d, Flat: a.flat, files: regexp.MustCompile(a.files)})
		}
	}
	return all, nil
}

// of returns the folders of an agent. XDG's directories are below home unless a variable
// says otherwise, and an agent's own variable outranks both.
func (a *agent) of(getenv func(string) string, home string) (dirs []string) {
	chosen := ""
	for _, d := range a.dirs {
		switch value := getenv(d.variable); {
		case d.variable == "" && chosen != "":
		case d.variable == "" && home != "":
			path := d.path
			if rest, below := strings.CutPrefix(path, ".config/"); below && filepath.IsAbs(getenv(xdgConfig)) {
				dirs = append(dirs, filepath.Join(getenv(xdgConfig), rest))
				continue
			}
			dirs = append(dirs, filepath.Join(home, path))
		case d.variable != "" && filepath.IsAbs(value) && (chosen == "" || chosen == d.variable):
			chosen = d.variable
			dirs = append(dirs, filepath.Join(value, d.path))
		}
	}
	return dirs
}

// Variables returns the names of the environment variables that [Of] asks for.
func Variables() []string {
	names := map[string]bool{xdgConfig: true}
	for _, a := range agents {
		for _, d := range a.dirs {
			if d.variable != "" {
				names[d.variable] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
