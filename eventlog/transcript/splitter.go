package transcript

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"slices"
)

// DefaultMaxLine is how long a line may be, in bytes: agents print whole files in
// one line, and images in base64.
const DefaultMaxLine = 32 << 20

// keptOfLong is how much is kept of a line that is too long.
const keptOfLong = 64 << 10

// Line is one line of an agent's output.
type Line struct {
	// Text is the line without its line feed. It need not be UTF-8.
	Text []byte
	// Bytes is how long the line was. If that is more than Text has, Text is its
	// beginning, and SHA256 the hash of the whole. A Line made by hand may leave
	// both zero.
	Bytes  int64
	SHA256 [sha256.Size]byte
}

func (l *Line) isCut() bool { return l.Bytes > int64(len(l.Text)) }

// Splitter cuts a stream of bytes into lines at line feeds. It keeps a half line
// until its rest comes. It never refuses bytes: of a line that is too long it
// keeps the beginning, counts and hashes the rest and lets it go, so that the
// writer is never held up and memory stays bounded. It is not safe for concurrent
// use.
type Splitter struct {
	max     int
	pending []byte // of the line that has not ended
	long    int64  // if not 0, the bytes so far of a line that is too long
	hash    hash.Hash
}

// NewSplitter returns a splitter for lines of at most maxLine bytes; 0 stands for
// [DefaultMaxLine].
func NewSplitter(maxLine int) *Splitter {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	return &Splitter{max: maxLine}
}

// Split takes the next bytes of the stream and gives the lines that end in them.
// The text of a line is valid until take returns.
func (s *Splitter) Split(chunk []byte, take func(Line)) {
	for {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			s.hold(chunk)
			return
		}
		if len(s.pending) == 0 && s.long == 0 && end <= s.max {
			take(Line{Text: chunk[:end:end], Bytes: int64(end)})
		} else {
			s.hold(chunk[:end])
			s.give(take)
		}
		chunk = chunk[end+1:]
	}
}

// Rest gives the line that has no line feed, if there is one. Call it when the
// stream has ended; a file that still grows may end in half a line.
func (s *Splitter) Rest(take func(Line)) {
	if len(s.pending) > 0 || s.long > 0 {
		s.give(take)
	}
}

func (s *Splitter) hold(part []byte) {
	if s.long == 0 && len(s.pending)+len(part) <= s.max {
		s.pending = append(s.pending, part...)
		return
	}
	if s.long == 0 {
		s.hash = sha256.New()
		_, _ = s.hash.Write(s.pending) // a hash never fails
		s.long = int64(len(s.pending))
		kept := min(keptOfLong, s.max)
		if missing := kept - len(s.pending); missing > 0 {
			s.pending = append(s.pending, part[:min(missing, len(part))]...)
		}
		s.pending = slices.Clone(s.pending[:min(kept, len(s.pending))])
	}
	_, _ = s.hash.Write(part)
	s.long += int64(len(part))
}

func (s *Splitter) give(take func(Line)) {
	l := Line{Text: s.pending, Bytes: int64(len(s.pending))}
	if s.long > 0 {
		l.Bytes = s.long
		s.hash.Sum(l.SHA256[:0])
	}
	s.long, s.hash = 0, nil
	take(l)
	if s.pending = s.pending[:0]; cap(s.pending) > keptOfLong {
		s.pending = nil // one long line must not keep its memory
	}
}
