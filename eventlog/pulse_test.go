package eventlog_test

import (
	"testing"
	"time"

	"jrweb/eventlog"
)

func TestAPulseIsTheTimesOfEventsThatAreSpreadEvenly(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	at := func(n int) time.Time { return usageStart.Add(time.Duration(n) * time.Minute) }
	pulse := func(n int) (minutes []int) {
		times, err := s.Pulse(t.Context(), n)
		f.ok(err)
		for _, at := range times {
			minutes = append(minutes, int(at.Sub(usageStart).Minutes()))
		}
		return minutes
	}
	wantSlice(t, "of no event", pulse(4), nil)
	for n := range 101 {
		e := says("x")
		e.Time = at(n)
		f.append(s, e)
		if n == 1 {
			wantSlice(t, "of two events", pulse(5), []int{0, 1})
		}
	}
	wantSlice(t, "of many", pulse(5), []int{0, 25, 50, 75, 100})
	wantSlice(t, "one", pulse(1), []int{0})
	f.ok(f.Trim(t.Context(), "t-1", s.ID(), 61))
	wantSlice(t, "of a trimmed session", pulse(3), []int{61, 80, 100})
	_, err := f.Session("t-1", eventlog.SessionID{1}).Pulse(t.Context(), 3)
	wantErr(t, "of no session", err, eventlog.ErrSessionNotFound)
}
