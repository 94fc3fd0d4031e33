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
	// answerWrite is how much of an answer is written at once: a client that takes so
	// much is none that takes nothing.
	answerWrite = 64 << 10
)

// recorder remembers the status of an answer, and what is to be done after it.
type recorder struct {
	http.ResponseWriter
	answers *budget
	share   *share // of answers; nil: it holds nothing
	status  int
	bytes   int64
	name    string // of who sent the request
	begins  func() // nil: nothing; is called when the status is known
	after   func() // nil: nothing
}

// whenAnswered calls f once the request of a handler is answered.
func whenAnswered(w http.ResponseWriter, f func()) { w.(*recorder).after = f }

// hold says that an answer takes n bytes, or n more, until its client has taken it. It
// fails while others hold too much; one that takes nothing then has to give up.
func hold(w http.ResponseWriter, n int) error {
	r := w.(*recorder)
	if r.share == nil {
		control := http.NewResponseController(r.ResponseWriter)
		r.share = r.answers.open(func() { _ = control.SetWriteDeadline(past) }) // if it fails, the write has ended already
	}
	r.share.came()
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
		if !r.share.came() {
			return written, os.ErrDeadlineExceeded
		}
	}
	return written, nil
}

// Unwrap lets [http.ResponseController] through, for flushes and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
