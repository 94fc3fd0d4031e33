// Package spool keeps what an agent does on the local disk until a server has it,
// so that neither a slow nor an absent server is felt by the agent.
//
// A spool is two files in one folder, and belongs to one run:
//
//	<name>.run   the [Run] in the first line, then one event a line, as a server takes them
//	<name>.sent  how far they have been delivered: 512 bytes that are written in place
//
// A [Writer] appends to it, a [Delivery] delivers it; while the agent runs both work
// at the same time, and if the process dies, a later delivery goes on where it
// stopped.
//
//   - Events arrive in order, and each once: how much is about to be sent is written
//     down first, so that a repeat has the same bytes and the same idempotency key.
//   - Who has a spool open holds a lock on it. [Open] fails with [ErrBusy] for all others.
//   - When the disk is full, events are lost, and an event in their place says how many.
//     The end of the run has room set aside.
//   - What a server refuses for good becomes an event that says so, in its place.
//
// Caveats: what is not delivered is synced when the spool is closed, not before: a power
// cut may take the last seconds. A kill takes nothing.
package spool

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"jrweb/eventlog"
)

// Run says whose events a spool has, and where they are to go.
type Run struct {
	// ID is part of every idempotency key. [Create] makes it.
	ID string `json:"id"`
	// Task is the task of the session to start.
	Task string `json:"task"`
	// Title is what a person calls the task. Empty: what its sessions say.
	Title string `json:"title,omitempty"`
	// Project is the label of a task that is made, Parent the task that it belongs to. A
	// task that is there keeps its own.
	Project string `json:"project,omitempty"`
	Parent  string `json:"parent,omitempty"`
	// Agent, Version and Model are what runs, Cwd, Branch and Machine where.
	Agent   string `json:"agent,omitempty"`
	Version string `json:"version,omitempty"`
	Model   string `json:"model,omitempty"`
	Cwd     string `json:"cwd,omitempty"`
	Branch  string `json:"branch,omitempty"`
	Machine string `json:"machine,omitempty"`
	// ExternalID is the agent's own name of the session, ParentExternalID that of the
	// one that it works for.
	ExternalID       string `json:"external_id,omitempty"`
	ParentExternalID string `json:"parent_external_id,omitempty"`
	// Started is when the agent began. Zero: when the session starts.
	Started time.Time `json:"started,omitzero"`
	// To is where the events are to go: the URL of a server, or the path of a database.
	To string `json:"to"`
	// LeaseSeconds is how long the session may be silent.
	LeaseSeconds int64 `json:"lease_seconds"`
	// Kept says that the spool is to stay when all is delivered, the session open:
	// [Resume] goes on with it.
	Kept bool `json:"kept,omitempty"`
	// Steer says that what people say is handed to the agent.
	Steer bool `json:"steer,omitempty"`
	// Unique says that the session is to start only if nobody else has recorded, or
	// records, what the agent did at Started: else the error is [ErrRecorded]. It leaves
	// the other sessions of its task open.
	Unique bool `json:"unique,omitempty"`
	// Join is a session that hooks record, to go on with instead of starting one. From then
	// on hooks record nothing in it that the run tells. If it has ended, or somebody else
	// goes on with it, the error is [ErrRecorded].
	Join eventlog.SessionID `json:"join,omitzero"`
	// Late is set by [Open]: the process that made the spool is gone.
	Late bool `json:"-"`
	// Beside is set for [Server]: the session is to leave others of its task open. One
	// of them may be of a run that works now: when a spool is delivered late, and
	// when another run has ended the session of this one.
	Beside bool `json:"-"`
}

var (
	// ErrBusy is returned by [Open] for a spool that somebody else has open.
	ErrBusy = errors.New("spool: in use")
	// ErrDamaged is returned for a file that is not a spool. It is left as it is.
	ErrDamaged = errors.New("spool: damaged")
)

const (
	runSuffix  = ".run"
	sentSuffix = ".sent"
	// roomSuffix marks a file that is removed before the end of a run is written,
	// so that there is room for it.
	roomSuffix = ".room"
	roomBytes  = 16 << 10
	// noteSuffix marks what the caller of [Resume] wants to have again.
	noteSuffix = ".note"
	// newSuffix marks a spool that is being made. Nobody delivers it, and of a process
	// that dies meanwhile nothing is left that looks like one.
	newSuffix = ".new"
)

// Paths returns the spools in a folder, the oldest first. A folder that does not
// exist has none.
func Paths(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("spool: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == runSuffix {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(paths) // names begin with the time
	return paths, nil
}

// newName returns a name that sorts by time, and an id that nobody else has.
func newName(now time.Time) (name, id string) {
	id = rand.Text()
	return now.UTC().Format("20060102T150405.000") + "-" + id + runSuffix, id
}

// beside returns the file that belongs to a spool.
func beside(path, suffix string) string { return strings.TrimSuffix(path, runSuffix) + suffix }

// lock takes the lock of a spool, which ends with the file.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return err
}

func parseRun(line []byte) (Run, error) {
	var r Run
	if err := json.Unmarshal(line, &r); err != nil || r.ID == "" || r.Task == "" || r.To == "" {
		return r, fmt.Errorf("%w: its first line names no run", ErrDamaged)
	}
	return r, nil
}
