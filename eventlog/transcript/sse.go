package transcript

import "bytes"

// serverSentFormats come as server-sent events: an object stands behind "data:", and
// the lines around it are silent.
var serverSentFormats = map[Format]bool{
	OpenCodeServer: true, AISDK: true, Responses: true, ChatCompletions: true, AGUI: true, LangGraph: true,
}

// serverSent returns the data of a line of server-sent events, and of any other line
// all of it.
func serverSent(line []byte) (body []byte, found bool) {
	if body, found = bytes.CutPrefix(line, []byte("data:")); found {
		return bytes.TrimSpace(body), true
	}
	return line, false
}

// isFraming: the lines of server-sent events that are not their data. Comments are
// heartbeats, and many streams end with a mark.
func isFraming(line []byte) bool {
	if body, found := serverSent(line); found {
		return len(body) == 0 || string(body) == "[DONE]"
	}
	for _, start := range []string{":", "event:", "id:", "retry:"} {
		if bytes.HasPrefix(line, []byte(start)) {
			return true
		}
	}
	return false
}

// sentAs returns the name of a server-sent event, if a line tells one.
func sentAs(line []byte) (name string, found bool) {
	rest, found := bytes.CutPrefix(line, []byte("event:"))
	return string(bytes.TrimSpace(rest)), found
}
