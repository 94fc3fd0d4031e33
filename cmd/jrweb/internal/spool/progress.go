package spool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"jrweb/eventlog"
)

// progress is how far a spool has been delivered. Offsets are those of lines.
type progress struct {
	// Life counts the sessions of the run: there is a next one when the server has
	// ended or deleted the last one while it was out of reach.
	Life int `json:"life"`
	// Session is the session of this life, zero before it has started.
	Session eventlog.SessionID `json:"session"`
	// Sent is where what the server has ends.
	Sent int64 `json:"sent"`
	// Trying is where what is being sent ends, if it is behind Sent. Whether the
	// server has it is not known.
	Trying int64 `json:"trying"`
	// Stopped is the person who has ended the session of this life to stop the agent,
	// "" if nobody has.
	Stopped string `json:"stopped,omitempty"`
}

// progressBytes is what a disk writes in one piece.
const progressBytes = 512

// newProgress makes the file with all the room that it will need.
func newProgress(path string) error {
	return os.WriteFile(path, encodeProgress(progress{Life: 1}), 0o600)
}

func encodeProgress(p progress) []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and an id are always JSON
	}
	return append(text, bytes.Repeat([]byte{' '}, progressBytes-len(text))...)
}

func readProgress(f *os.File) (progress, error) {
	text := make([]byte, progressBytes)
	var p progress
	if _, err := f.ReadAt(text, 0); err != nil {
		return p, fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name(), err)
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Life < 1 || p.Sent < 0 {
		return p, fmt.Errorf("%w: %s does not say how far it was delivered", ErrDamaged, f.Name())
	}
	return p, nil
}

func writeProgress(f *os.File, p progress) error {
	_, err := f.WriteAt(encodeProgress(p), 0)
	return err
}
