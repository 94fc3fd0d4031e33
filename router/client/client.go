// Package client is a client of a jrweb server over HTTP:
//
//	c, err := client.New("http://127.0.0.1:7070", nil)
//	answer, err := c.Append(ctx, "t-1", client.Append{Body: []byte(`{"type":"thought","data":{"content":"hm"}}`)})
//	for e, err := range c.Follow(ctx, "t-1", nil) { … }
//
// It promises:
//
//   - [Client.Append], [Client.Start] and [Client.Complete] try again, for about ten
//     seconds, when the connection breaks or the server fails. Each carries an idempotency
//     key, so nothing is done twice.
//   - [Client.NewWriter] appends events in batches, and tries again as long as the server
//     is away. Nothing is done twice there, either.
//   - [Client.Follow] yields every event of a session once and in order, also when the
//     connection is cut or the server restarts.
//   - If the server refuses a request, the error is an [*Error].
//
// Caveats: nothing is stored on disk. When all retries have failed, it is not known whether
// the request was carried out; the same request with the same key tells.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"jrweb/eventlog"
)

// Options are the settings of a [Client]. The zero value is good.
type Options struct {
	// Token is sent as the bearer token of every request, unless it is empty.
	Token string
	// Transport carries the requests. Nil: a copy of http.DefaultTransport that waits at
	// most a minute for the header of an answer. If the base begins with unix:, it connects
	// to that socket.
	Transport http.RoundTripper
}

// Client is a client of one server. Its methods may be called concurrently.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New returns a client of the server at base, such as "http://127.0.0.1:7070",
// "https://example.org/prefix", or "unix:/run/jrweb.sock". It does not connect. Nil options
// are the defaults.
func New(base string, o *Options) (*Client, error) {
	socket, isSocket := strings.CutPrefix(base, "unix:")
	if isSocket && socket != "" {
		base = "http://localhost"
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("client: the URL of a server looks like http://127.0.0.1:7070 or unix:/run/jrweb.sock, not %q", u.Redacted())
	}
	if o == nil {
		o = &Options{}
	}
	transport := o.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = time.Minute
		if isSocket {
			t.Proxy = nil
			t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			}
		}
		transport = t
	}
	return &Client{base: u, token: o.Token, http: &http.Client{Transport: transport}}, nil
}

// request is one request to the server.
type request struct {
	method string
	path   []string
	query  url.Values
	header http.Header
	body   []byte
}

// do sends a request and returns the answer if it is a 2xx. The caller must close its body.
// Any other answer of the server is an [*Error].
func (c *Client) do(ctx context.Context, r *request) (*http.Response, error) {
	u := c.base.JoinPath(r.path...)
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, readError(res)
	}
	return res, nil
}

// maxAnswer bounds a JSON answer of the server: pages of 1,000 tasks with the longest
// descriptions are smaller.
const maxAnswer = 128 << 20

// call sends a request and decodes the JSON answer into answer, unless it is nil.
func (c *Client) call(ctx context.Context, r *request, answer any) error {
	res, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("client: read the answer: %w", err)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("client: the answer to %s %s is not what a jrweb server says: %w", r.method, res.Request.URL.Path, err)
	}
	return nil
}

// taskPath is the path of a task, or of something below it.
func taskPath(task string, rest ...string) ([]string, error) {
	if !eventlog.ValidTaskID(task) {
		return nil, fmt.Errorf("client: %q is not a task id: %w", task, ErrTaskID)
	}
	return append([]string{"tasks", task}, rest...), nil
}

// ErrTaskID says that a text cannot be the id of a task. No request was sent.
var ErrTaskID = errors.New("task ids match [A-Za-z0-9][A-Za-z0-9._-]{0,127}")
