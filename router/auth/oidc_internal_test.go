package auth

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// A provider that does not answer takes 10 s of each attempt to find it. Who waits for the
// attempt of somebody else must not wait for another one.
func TestThoseWhoWaitForTheProviderHearOfOneFailure(t *testing.T) {
	var asked atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer h.Close()
	p := &provider{OIDC: OIDC{Issuer: h.URL}}
	if _, err := p.discover(t.Context()); err == nil || asked.Load() != 1 {
		t.Fatalf("it was asked %d times, and the error is %v", asked.Load(), err)
	}
	p.failed = time.Now().Add(time.Hour) // as if this one had waited meanwhile
	if _, err := p.discover(t.Context()); err == nil || asked.Load() != 1 {
		t.Errorf("it was asked %d times, and the error is %v", asked.Load(), err)
	}
	p.failed = time.Now()
	if _, err := p.discover(t.Context()); err == nil || asked.Load() != 2 {
		t.Errorf("later it was asked %d times, and the error is %v", asked.Load(), err)
	}
}
