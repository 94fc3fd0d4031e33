package main

import (
	"fmt"
	"slices"
)

// result is what was measured of one page.
type result struct {
	events int
	what   string // page or limit
	path   string
	live   bool // it is usable once it is live, not as soon as it is shown
	loads  []load
}

// load is one load of a page. Times are milliseconds since the navigation began.
type load struct {
	first    float64 // the first rows were painted
	usable   float64 // the newest event is in the page and in view, and the stream is live
	requests int
	bytes    int64 // that the server wrote: heads and bodies, with the stream's
	rows     int   // in the page
	elements int   // in the document
}

func median[T int | int64 | float64](loads []load, of func(load) T) T {
	values := make([]T, len(loads))
	for i, l := range loads {
		values[i] = of(l)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (r *result) first() float64  { return median(r.loads, func(l load) float64 { return l.first }) }
func (r *result) usable() float64 { return median(r.loads, func(l load) float64 { return l.usable }) }
func (r *result) slowest() float64 {
	return slices.MaxFunc(r.loads, func(a, b load) int { return int(a.usable - b.usable) }).usable
}
func (r *result) requests() int { return median(r.loads, func(l load) int { return l.requests }) }
func (r *result) bytes() int64  { return median(r.loads, func(l load) int64 { return l.bytes }) }
func (r *result) rows() int     { return median(r.loads, func(l load) int { return l.rows }) }
func (r *result) elements() int { return median(r.loads, func(l load) int { return l.elements }) }

// printTable expects each page to be followed by its limit.
func printTable(results []*result) {
	fmt.Println("| events | rows | elements | requests | KB | × limit | first event, ms | × limit | usable, ms | slowest |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for i := 0; i < len(results); i += 2 {
		page, limit := results[i], results[i+1]
		fmt.Printf("| %d | %d | %d | %d | %d | %.2f | %.0f | %.2f | %.0f | %.0f |\n",
			page.events, page.rows(), page.elements(), page.requests(), page.bytes()/1000, float64(page.bytes())/float64(limit.bytes()),
			page.first(), page.first()/limit.first(), page.usable(), page.slowest())
	}
}
