package page

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// patchStart begins a patch in the form that apply_patch takes.
const patchStart = "*** Begin Patch"

// patchIn is the patch among the arguments of a call, "" if there is none.
func patchIn(args fields) string {
	for _, name := range []string{"input", "patch", "command"} {
		if text, ok := args.str(name); ok && strings.HasPrefix(strings.TrimSpace(text), patchStart) {
			return text
		}
	}
	if words := elements(args.raw("command")); len(words) == 2 && textOf(words[0]) == "apply_patch" {
		return textOf(words[1])
	}
	return ""
}

// editsInPatch are the edits of a patch, a file each. What is not such a patch, and no diff of
// several files, is one edit of the file.
func editsInPatch(file, text string) []edit {
	var edits []edit
	var lines strings.Builder
	current := edit{file: file}
	flush := func() {
		current.unified = lines.String()
		if strings.TrimSpace(current.unified) != "" || current.kind == "delete" {
			edits = append(edits, current)
		}
		lines.Reset()
	}
	all := slices.Collect(strings.Lines(text))
	for i, line := range all {
		trimmed := strings.TrimRight(line, "\r\n")
		kind, name := patchFile(trimmed)
		switch {
		case kind != "":
			flush()
			current = edit{file: name, kind: kind}
		case strings.HasPrefix(trimmed, "diff --git "):
			flush()
			current = edit{file: file}
		case strings.HasPrefix(trimmed, "--- ") && i+1 < len(all) && strings.HasPrefix(all[i+1], "+++ "):
			if lines.Len() > 0 && !isDiffHeader(lastLine(lines.String())) { // the file before ends
				flush()
				current = edit{file: file}
			}
			if file == "" {
				current.file, current.kind = diffFile(trimmed, strings.TrimRight(all[i+1], "\r\n"))
			}
			lines.WriteString(line)
		case trimmed == patchStart || trimmed == "*** End Patch" || trimmed == "*** End of File":
		default:
			lines.WriteString(line)
		}
	}
	flush()
	return edits
}

// patchFile reads the line of a patch that names the next file.
func patchFile(line string) (kind, name string) {
	for word, kind := range map[string]string{"*** Add File: ": "add", "*** Update File: ": "update", "*** Delete File: ": "delete"} {
		if name, found := strings.CutPrefix(line, word); found {
			return kind, strings.TrimSpace(name)
		}
	}
	return "", ""
}

// diffFile reads the two lines of a diff that name its file.
func diffFile(from, to string) (name, kind string) {
	from, to = strings.TrimSpace(from[4:]), strings.TrimSpace(to[4:])
	switch nowhere := "/dev/null"; {
	case to == nowhere:
		return strings.TrimPrefix(from, "a/"), "delete"
	case from == nowhere:
		return strings.TrimPrefix(to, "b/"), "add"
	}
	return strings.TrimPrefix(to, "b/"), ""
}

// tiedTo are the edits of a call that names the files it changes beside its diffs: a file
// once, by the path that the call gives it. Git's form of an absolute path has lost its
// first slash.
func tiedTo(changes, edits []edit) []edit {
	for i := range edits {
		at := slices.IndexFunc(changes, func(c edit) bool {
			file := edits[i].file
			return file != "" && c.size() == 0 && (file == c.file || file == c.moved || "/"+file == c.file || "/"+file == c.moved)
		})
		if at < 0 {
			continue
		}
		c := changes[at]
		edits[i].file, edits[i].kind = cmp.Or(c.moved, c.file), c.kind
		changes = slices.Delete(changes, at, at+1)
	}
	return append(edits, changes...)
}

func lastLine(text string) string {
	text = strings.TrimRight(text, "\r\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// fileChanges are the edits in the form in which Codex reports them: a list with paths, or an
// object by path.
func fileChanges(raw json.RawMessage) []edit {
	var edits []edit
	add := func(file string, change fields) {
		e := edit{file: file, kind: kindOfChange(change)}
		e.moved, _ = either(change, "move_path", "movePath")
		e.unified, _ = either(change, "diff", "unified_diff")
		if text, ok := either(change, "content"); ok && e.unified == "" {
			e.after = text
		}
		for _, kind := range []string{"add", "update", "delete"} {
			inner := parseFields(change.raw(kind))
			if inner == nil {
				continue
			}
			e.kind = kind
			e.unified, _ = either(inner, "unified_diff", "diff")
			e.after, _ = either(inner, "content")
		}
		if e.kind == "add" && e.unified != "" && !strings.Contains(e.unified, "@@") && e.unified[0] != '+' {
			e.after, e.unified = e.unified, "" // the text of the file
		}
		edits = append(edits, e)
	}
	for _, one := range elements(raw) {
		change := parseFields(one)
		if file, ok := either(change, fileNames...); ok {
			add(file, change)
		}
	}
	for _, member := range parseFields(raw) {
		add(member.name, parseFields(member.value))
	}
	return edits
}

// kindOfChange is what happens to a file: add, update or delete.
func kindOfChange(change fields) string {
	for _, name := range []string{"kind", "type"} {
		if kind, ok := change.str(name); ok {
			return shorten(kind)
		}
		if kind, ok := parseFields(change.raw(name)).str("type"); ok {
			return shorten(kind)
		}
	}
	return ""
}
