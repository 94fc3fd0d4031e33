package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// isTerminal reports whether a person looks at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// colourful reports whether w shows colours, and nobody minds: see no-color.org.
func colourful(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// terminalWidth is how many columns the terminal of w has, 0 if w is not a terminal.
func terminalWidth(w io.Writer) int {
	f, isTerminal := terminalOf(w)
	if !isTerminal {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// jsonLines returns a writer for lines of JSON that end up in dst, each with one
// Write. If a person looks at dst, nothing in them can act on the terminal.
func jsonLines(w, dst io.Writer) io.Writer {
	if isTerminal(dst) {
		return safeJSON{w}
	}
	return w
}

type safeJSON struct{ w io.Writer }

func (s safeJSON) Write(line []byte) (int, error) {
	if _, err := s.w.Write(visibleJSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
