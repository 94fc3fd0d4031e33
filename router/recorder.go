package router

import (
	"net/http"
	"os"
	"slices"
)

const (
	// answerBudget is how many bytes the answers that wait for their clients may take
	// together.
	answerBudget = 256 << 20
	// answerWrite is how much of an answer is written at once. How fast its client takes it
	// is known to this much.
	answerWrite = 64 << 10
)

// recorder remembers the status of an answer, and what must be done after it.
type recorder struct {
	http.ResponseWriter
	answers *budget
	share   *share // of answers; nil: it holds nothing
	status  int
	bytes   int64
	name    string // of the client
	begins  func() // called when the status is known; nil: nothing
	after   func() // nil: nothing
}

// whenAnswered calls f once the request of a handler is answered.
func whenAnswered(w http.ResponseWriter, f func()) { w.(*recorder).after = f }

// hold reserves n more bytes for an answer, until its client has taken it. It fails while
// other answers hold too much; one of these whose client takes little then loses its room.
func hold(w http.ResponseWriter, n int) error {
	r := w.(*recorder)
	if r.share == nil {
		control := http.NewResponseController(r.ResponseWriter)
		r.share = r.answers.open(func() { _ = control.SetWriteDeadline(past) }) // if it fails, the write has ended already
	}
	r.share.came(0)
	return r.share.grow(int64(n))
}

func (r *recorder) finish() {
	if r.share != nil {
		r.share.close()
	}
	if r.after != nil {
		r.after()
	}
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.begin(status)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) begin(status int) {
	if r.status != 0 {
		return
	}
	if r.status = status; r.begins != nil {
		r.begins()
	}
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.begin(http.StatusOK)
	if r.share == nil {
		n, err := r.ResponseWriter.Write(p)
		r.bytes += int64(n)
		return n, err
	}
	written := 0
	for part := range slices.Chunk(p, answerWrite) {
		n, err := r.ResponseWriter.Write(part)
		r.bytes += int64(n)
		written += n
		if err != nil {
			return written, err
		}
		if !r.share.came(n) {
			return written, os.ErrDeadlineExceeded
		}
	}
	return written, nil
}

// Unwrap lets [http.ResponseController] reach the connection, for flushes and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
