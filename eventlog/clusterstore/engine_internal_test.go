package clusterstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What passes is asked again, what does not is told at once. A stream that is not found may be one
// that the server does not know yet, for a while.
func TestAnErrorThatPassesIsAskedAgain(t *testing.T) {
	api := func(class int, code jetstream.ErrorCode) error {
		return &jetstream.APIError{Code: class, ErrorCode: code}
	}
	for name, c := range map[string]struct {
		err   error
		again bool
	}{
		"a stream that is not found":              {jetstream.ErrStreamNotFound, true},
		"a stream that is there in the meantime":  {jetstream.ErrStreamNameAlreadyInUse, true},
		"servers that know too few others":        {api(400, 10005), true},
		"a server without a leader":               {api(503, 10008), true},
		"no answer":                               {context.DeadlineExceeded, true},
		"a server alone that is to keep replicas": {api(500, 10074), false},
		"a message that is not found":             {jetstream.ErrMsgNotFound, false},
		"a part that is gone":                     {errGone, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			err := insist(t.Context(), func(context.Context) error {
				if asked++; asked < 3 {
					return c.err
				}
				return nil
			})
			if again := err == nil && asked == 3; again != c.again || !again && (!errors.Is(err, c.err) || asked != 1) {
				t.Errorf("%s: asked %d times, %v", name, asked, err)
			}
		})
	}
}

func TestAStreamThatIsNeverFoundIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := insist(t.Context(), func(context.Context) error { return jetstream.ErrStreamNotFound })
		if took := time.Since(began); !errors.Is(err, jetstream.ErrStreamNotFound) || took < loadTime || took > 2*loadTime {
			t.Errorf("after %s: %v", took, err)
		}
	})
}
