package page

import (
	"regexp"
	"slices"
	"strings"
)

// work is what a run has done to files, and the tests that it ran.
type work struct {
	files []*changedFile
	known map[string]*changedFile
	more  bool
	tests []testRun
}

// changedFile is a file that was changed, and the events that did it.
type changedFile struct {
	path    string
	changes changes
	edits   []uint64
}

// testRun is a run of tests, or several of the same with the same result.
type testRun struct {
	Command  string
	Sequence uint64 // of the last one
	Failed   bool
	Times    int
}

const (
	mostFiles = 300
	mostEdits = 100 // of one file
	mostTests = 20  // the latest
)

// runsTests matches the commands that run tests.
var runsTests = regexp.MustCompile(`(?:^|[\s;&|(/])(?:go test|cargo (?:test|nextest)|(?:npm|pnpm|yarn|bun|deno)(?: run)? (?:test|t)\b|(?:npx |yarn |pnpm )?(?:jest|vitest|mocha|playwright test)\b|pytest\b|python3? -m (?:pytest|unittest)|tox\b|nox\b|make (?:\S+ )*(?:test|check)\b|ctest\b|(?:\./)?(?:gradlew|gradle|mvn|mvnw)\b[^;&|]*\btest\b|rspec\b|phpunit\b|dotnet test|swift test|(?:cabal|stack|lein|zig build) test|mix test|rake test|bazel test)`)

// result takes a call that has ended into account.
func (w *work) result(call *outlineCall, failed bool) {
	if call.command != "" && runsTests.MatchString(call.command) {
		w.test(testRun{firstLine(call.command), call.sequence, failed, 1})
	}
	if !failed {
		w.change(call)
	}
}

func (w *work) test(run testRun) {
	for i := range slices.Backward(w.tests) {
		if before := &w.tests[i]; before.Command == run.Command {
			if before.Failed == run.Failed {
				run.Times += before.Times
				w.tests = slices.Delete(w.tests, i, i+1)
			}
			break
		}
	}
	if len(w.tests) == mostTests {
		w.tests = append(w.tests[:0:0], w.tests[1:]...)
	}
	w.tests = append(w.tests, run)
}

// done takes calls into account of whose results nothing is told.
func (w *work) done(calls []*outlineCall) {
	for _, call := range calls {
		w.change(call)
	}
}

func (w *work) change(call *outlineCall) {
	for _, c := range call.changes {
		file := w.known[c.path]
		if file == nil {
			if len(w.files) == mostFiles {
				w.more = true
				continue
			}
			file = &changedFile{path: c.path}
			if w.known == nil {
				w.known = map[string]*changedFile{}
			}
			w.known[c.path] = file
			w.files = append(w.files, file)
		}
		file.changes.Added += c.Added
		file.changes.Removed += c.Removed
		if len(file.edits) < mostEdits && !slices.Contains(file.edits, call.sequence) {
			file.edits = append(file.edits, call.sequence)
		}
	}
}

// fileChange is what one call does to one file.
type fileChange struct {
	path string
	changes
}

// comparedAtMost is how large an edit is compared line by line for its numbers.
const comparedAtMost = 32 << 10

// writers are the tools that write a whole file.
var writers = map[string]bool{
	"write": true, "write_file": true, "writefile": true, "create_file": true, "create": true, "write_to_file": true, "str_replace_editor": true,
}

// changesOf finds the files that a call changes, with the numbers of lines.
func changesOf(tool string, args fields) []fileChange {
	var all []fileChange
	for _, e := range changedBy(tool, args) {
		if len(all) == mostFiles {
			break
		}
		c := fileChange{path: shorten(e.file)}
		if e.size() <= comparedAtMost {
			c.count(e.lines())
		} else {
			c.Added, c.Removed = lineCount(e.after), lineCount(e.before)
		}
		all = append(all, c)
	}
	return all
}

// changedBy are the edits of a call whose file is known, or the file that it writes.
func changedBy(tool string, args fields) []edit {
	all := slices.DeleteFunc(editsOf(args), func(e edit) bool { return e.file == "" })
	if len(all) > 0 || !writers[strings.ToLower(tool)] {
		return all
	}
	if file, _ := either(args, fileNames...); file != "" {
		for _, name := range contents {
			if text, ok := args.str(name); ok {
				return []edit{{file: file, after: text, whole: true}}
			}
		}
	}
	return nil
}
