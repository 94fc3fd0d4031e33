package router

import "time"

// Trace is told what happens to requests. Every function may be nil. They are
// called on the requests' own goroutines, so concurrently, and must be quick.
type Trace struct {
	// Answered is called for each request but streams; one to the route of a
	// stream that was refused is told as well. route is the pattern of the route,
	// or "none"; method is as the client sent it.
	Answered func(route, method string, status int, took time.Duration)
	// Bodies is called when the bodies of all requests together take so many bytes
	// more, or less. It must not call back.
	Bodies func(delta int64)
}
