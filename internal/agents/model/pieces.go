package model

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// piece is one event of a stream.
type piece struct {
	name string // of the event, or ""
	data any
}

func writePieces(w http.ResponseWriter, pieces []piece) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, p := range pieces {
		text, ok := p.data.(string)
		if !ok {
			data, err := json.Marshal(p.data)
			if err != nil {
				panic(err) // made of constants
			}
			text = string(data)
		}
		if p.name != "" {
			fmt.Fprintf(w, "event: %s\n", p.name)
		}
		fmt.Fprintf(w, "data: %s\n\n", text)
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// words cuts a text in pieces as a model says them.
func words(text string) []string { return strings.SplitAfter(text, " ") }
