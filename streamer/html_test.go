package streamer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/streamer"
)

// say renders an event as the text in its data.
func say(dst []byte, _ string, _ eventlog.SessionID, e *eventlog.Event, all bool) []byte {
	var data struct{ Content string }
	if err := json.Unmarshal(e.Data, &data); err != nil {
		panic(err)
	}
	return fmt.Appendf(dst, "<li %v>%s</li>", all, data.Content)
}

func TestFragmentsComeInDataLines(t *testing.T) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := start(t, log)
	for _, content := range []string{`one`, `a\nb\rc\r\nd\n`, `\n\nevent: reset\r\rdata: x`} {
		if _, err := s.Append(t.Context(), eventlog.Event{Type: "assistant", Data: []byte(`{"content":"` + content + `"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	seal(t, s)
	streams := streamer.New(log, nil)
	streams.SetHTML(say)
	_, got, _ := strings.Cut(record(t, streams, "format=html&control=true"), "\n\n") // after the retry
	want := "id: " + at(s, 1) + "\ndata: <li false>one</li>\n\n" +
		"id: " + at(s, 2) + "\ndata: <li false>a\ndata: b\ndata: c\ndata: d\ndata: </li>\n\n" +
		"id: " + at(s, 3) + "\ndata: <li false>\ndata: \ndata: event: reset\ndata: \ndata: data: x</li>\n\n" +
		"id: " + at(s, 4) + "\ndata: <li false></li>\n\n" +
		caughtUp(s.ID().String(), 4)
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// When events of several sessions are in one stream, the renderer must know.
func TestFragmentsOfAllSessionsAreRenderedAsSuch(t *testing.T) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := start(t, log)
	seal(t, s)
	server := serve(t, log, nil)
	server.streams.SetHTML(say)
	server.open(t, "format=html&sessions=all").want("id: " + at(s, 1) + "\ndata: <li true></li>\n\n")
}

func TestWithoutARendererThereAreNoFragments(t *testing.T) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	start(t, log)
	res := serve(t, log, nil).get(t, "format=html")
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("format=html: %s", res.Status)
	}
}
