package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"jrweb/eventlog"
)

// SearchHit is an event that a search over all runs has found.
type SearchHit struct {
	ID       eventlog.Cursor    `json:"-"`
	Task     string             `json:"task"`
	Title    string             `json:"title"`
	Session  eventlog.SessionID `json:"session"`
	Sequence uint64             `json:"sequence"`
	Agent    string             `json:"agent"`
	Model    string             `json:"model"`
	Status   eventlog.Status    `json:"status"`
	Started  eventlog.Time      `json:"started"`
	Ended    eventlog.Time      `json:"ended"`
	Time     eventlog.Time      `json:"time"`
	Type     string             `json:"type"`
	Actor    eventlog.Actor     `json:"actor"`
	Tool     string             `json:"tool"`
	// Line is the text around what was found, in pieces: every second one is a word that was
	// searched for.
	Line []string `json:"line"`
	// JSON is the hit as the server says it.
	JSON json.RawMessage `json:"-"`
}

// mostHits is how many hits one answer has at most.
const mostHits = 1000

// Search yields what a search over all runs finds, as it is found, the newest first: at most
// limit hits, or all if limit is 0. Query has words, "phrases" and filters such as
// agent:codex. If it yields an error, that is the last value.
func (c *Client) Search(ctx context.Context, query string, limit int) iter.Seq2[SearchHit, error] {
	return func(yield func(SearchHit, error) bool) {
		for after, left := "", limit; ; {
			most := mostHits
			if limit > 0 {
				most = min(left, mostHits)
			}
			next, n, err := c.searchPart(ctx, url.Values{"q": {query}, "limit": {strconv.Itoa(most)}, "after": {after}}, yield)
			if err != nil {
				if !errors.Is(err, errEnough) {
					yield(SearchHit{}, err)
				}
				return
			}
			if left -= n; next == "" || limit > 0 && left <= 0 {
				return
			}
			after = next
		}
	}
}

// errEnough says that the caller wants no more.
var errEnough = errors.New("client: enough")

// searchPart yields the hits of one answer, and returns where to continue.
func (c *Client) searchPart(ctx context.Context, query url.Values, yield func(SearchHit, error) bool) (next string, hits int, err error) {
	res, err := c.do(ctx, &request{method: http.MethodGet, path: []string{"search"}, query: query, header: http.Header{"Accept": {"application/x-ndjson"}}})
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	for lines := json.NewDecoder(res.Body); ; {
		var line struct {
			Hit  json.RawMessage `json:"hit"`
			Next *string         `json:"next"`
		}
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return "", hits, fmt.Errorf("client: the search was broken off: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return "", hits, fmt.Errorf("client: search: %w", err)
		}
		if line.Hit != nil {
			hit := SearchHit{JSON: line.Hit}
			if err := json.Unmarshal(line.Hit, &hit); err != nil {
				return "", hits, fmt.Errorf("client: a hit is not what a jrweb server says: %w", err)
			}
			hit.ID = eventlog.Cursor{Session: hit.Session, Sequence: hit.Sequence}
			if hits++; !yield(hit, nil) {
				return "", hits, errEnough
			}
		}
		if line.Next != nil {
			return *line.Next, hits, nil
		}
	}
}
