package router

import "time"

// Trace has functions that the router calls for requests. Every function may be nil. They
// are called on the requests' own goroutines, so concurrently, and must be quick.
type Trace struct {
	// Answered is called for each request except streams, but also for a refused request
	// for a stream. route is the pattern of the route, or "none". method is as the client
	// sent it.
	Answered func(route, method string, status int, took time.Duration)
	// Bodies is called when the bodies of all requests together take delta bytes more, or
	// less if delta is negative. It must not call back.
	Bodies func(delta int64)
}
