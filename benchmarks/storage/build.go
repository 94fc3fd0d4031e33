package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/report"
)

// build is an executable of this program: the one that runs, or one whose log is that of
// an earlier commit.
type build struct {
	program string // path; empty: the one that runs
}

var self build

// start starts a server of the build.
func (b build) start(ctx context.Context, args ...string) (*child.Process, error) {
	if b.program == "" {
		return child.Self(ctx, args...)
	}
	return child.Again(ctx, b.program, args...)
}

// hire starts a worker of the build, which answers what [work] answers.
func (b build) hire() (*child.Worker, error) {
	if b.program == "" {
		return child.Hire(workerCommand)
	}
	return child.HireOf(b.program, workerCommand)
}

// ask asks one question of a worker that has just started, and lets it go.
func (b build) ask(ctx context.Context, name string, q, a any) error {
	w, err := b.hire()
	if err != nil {
		return err
	}
	return errors.Join(w.Ask(ctx, name, q, a), w.Stop())
}

// beforeJournal is the last commit whose store had no journal: each commit was one of
// bbolt's.
const beforeJournal = "a3096adb0aca6ed7ae74551a24754682f1bb36d3"

// buildAt builds this program in a folder, with the library as it was at a commit. The
// error wraps [report.NotMeasured] if the commit is not in the history that is here.
func buildAt(ctx context.Context, commit, dir string) (build, error) {
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return build{}, err
	}
	archive := filepath.Join(dir, "tree.tar")
	// Without history, such as in an unpacked archive, there is no such commit.
	if _, err := run(ctx, "git", "cat-file", "-e", commit+"^{commit}"); err != nil {
		return build{}, report.NotMeasured("no history")
	}
	if _, err := run(ctx, "git", "-C", "..", "archive", "--output", archive, commit); err != nil {
		return build{}, err
	}
	if _, err := run(ctx, "tar", "-x", "-f", archive, "-C", tree); err != nil {
		return build{}, err
	}
	module, err := os.ReadFile("go.mod")
	if err != nil {
		return build{}, err
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		return build{}, err
	}
	const here = "replace jrweb => ../"
	if !strings.Contains(string(module), here) {
		return build{}, fmt.Errorf("go.mod has no line %q", here)
	}
	modfile := filepath.Join(dir, "go.mod")
	old := strings.Replace(string(module), here, "replace jrweb => "+tree, 1)
	if err := errors.Join(os.WriteFile(modfile, []byte(old), 0o600), os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600)); err != nil {
		return build{}, err
	}
	program := filepath.Join(dir, "benchmarks")
	_, err = run(ctx, "go", "build", "-tags", "earlier", "-mod=mod", "-modfile", modfile, "-o", program, ".")
	return build{program}, err
}

// run runs a command in the folder of this module.
func run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(failed.String()))
	}
	return string(out), nil
}

// older is the build of before the journal, or why there is none.
type older struct {
	build
	missing report.NotMeasured
}

// make builds it in a folder.
func (o *older) make(ctx context.Context, dir string) (err error) {
	o.build, err = buildAt(ctx, beforeJournal, dir)
	if missing, ok := errors.AsType[report.NotMeasured](err); ok {
		o.missing = missing
		return nil
	}
	return err
}

// get returns the build, or an error that wraps [report.NotMeasured].
func (o *older) get() (build, error) {
	if o.missing != "" {
		return build{}, o.missing
	}
	return o.build, nil
}
