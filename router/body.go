package router

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"jrweb/eventlog"
	"jrweb/internal/jsonscan"
)

const (
	typeJSON   = "application/json"
	typeNDJSON = "application/x-ndjson"
)

// readBody reads the whole body of a request and its media type: typeJSON or typeNDJSON.
func (rt *router) readBody(w http.ResponseWriter, r *http.Request) (body []byte, mediaType string, err error) {
	mediaType, err = mediaTypeOf(r)
	if err != nil {
		return nil, "", err
	}
	if r.ContentLength > rt.o.MaxRequestBytes { // so that the client does not send it first
		return nil, "", &http.MaxBytesError{Limit: rt.o.MaxRequestBytes}
	}
	control := http.NewResponseController(w)
	in := &patient{ReadCloser: r.Body, control: control}
	in.share = rt.budget.open(func() { _ = setReadDeadline(control, past) }) // if it fails, the read has ended already
	body, err = readAll(http.MaxBytesReader(w, in, rt.o.MaxRequestBytes), in.share)
	in.share.read()
	whenAnswered(w, in.share.close)
	if err == nil {
		err = setReadDeadline(control, time.Time{}) // the rest of the request may take as long as it likes
	}
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, "", err
		}
		if p, told := errors.AsType[*problem](err); told {
			return nil, "", p
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, "", badRequest("the body stopped in the middle")
		}
		return nil, "", badRequest("the body could not be read: " + err.Error())
	}
	if !utf8.Valid(body) {
		return nil, "", badRequest(fmt.Sprintf("the body is not valid UTF-8 at byte %d (line %d)", invalidAt(body), 1+bytes.Count(body[:invalidAt(body)], []byte("\n"))))
	}
	return body, mediaType, nil
}

// past is before any deadline.
var past = time.Unix(1, 0)

// readAll reads a body. It takes room from the budget before it uses memory.
func readAll(body io.Reader, s *share) ([]byte, error) {
	var text []byte
	for {
		if len(text) == cap(text) {
			more := int64(max(4<<10, cap(text)))
			if err := s.grow(more); err != nil {
				return nil, err
			}
			text = append(make([]byte, 0, int64(cap(text))+more), text...)
		}
		n, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if !s.came(n) {
			return nil, errSlow
		}
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// bodyTimeout is how long a client may send nothing of its body. A client that stops in the
// middle must not keep memory for ever.
const bodyTimeout = 30 * time.Second

// patient is a body with a deadline for the next bytes, not for all of them.
type patient struct {
	io.ReadCloser
	control *http.ResponseController
	share   *share
}

// Read implements [io.Reader].
func (b *patient) Read(p []byte) (int, error) {
	if err := setReadDeadline(b.control, time.Now().Add(bodyTimeout)); err != nil {
		return 0, err
	}
	if !b.share.holds() { // the share was evicted before the deadline was set
		return 0, errSlow
	}
	return b.ReadCloser.Read(p)
}

// limitBody sets a deadline for the body of a request. Before net/http answers, it reads
// what a handler leaves of the body, even of a refused request, and would wait for that as
// long as the client likes.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = setReadDeadline(http.NewResponseController(w), time.Now().Add(bodyTimeout)) // if it fails, the connection has ended
	}
}

// unlimitBody removes the deadline, for an answer that lasts longer.
func unlimitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = setReadDeadline(http.NewResponseController(w), time.Time{})
	}
}

// setReadDeadline does nothing if middleware hides the deadlines.
func setReadDeadline(control *http.ResponseController, at time.Time) error {
	if err := control.SetReadDeadline(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// invalidAt returns the place of the first invalid UTF-8 sequence.
func invalidAt(body []byte) int {
	at := 0
	for at < len(body) {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// mediaTypeOf accepts JSON, NDJSON, and no type, which means JSON. It refuses forms,
// because any web page may send them without permission.
func mediaTypeOf(r *http.Request) (string, error) {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return typeJSON, nil
	}
	mediaType, parameters, err := mime.ParseMediaType(header)
	charset := strings.ToLower(parameters["charset"])
	switch {
	case err != nil || charset != "" && charset != "utf-8":
	case mediaType == typeNDJSON:
		return typeNDJSON, nil
	case mediaType == typeJSON, strings.HasSuffix(mediaType, "+json"):
		return typeJSON, nil
	}
	return "", badMediaType(fmt.Sprintf("send %s or %s in UTF-8, not %.100q", typeJSON, typeNDJSON, header))
}

// readKey reads the Idempotency-Key of a request.
func readKey(r *http.Request, scope string, body []byte) (eventlog.Key, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return eventlog.Key{}, nil
	}
	if len(values) > 1 || !eventlog.ValidKeyID(values[0]) {
		p := badRequest("Idempotency-Key must be one header of 1 to 128 visible ASCII characters")
		p.Field = "Idempotency-Key"
		return eventlog.Key{}, p
	}
	return eventlog.Key{ID: values[0], Scope: scope, Digest: sha256.Sum256(body)}, nil
}

// jsonSpace is the white space of JSON. bytes.TrimSpace also removes other characters,
// which would turn invalid JSON into valid JSON.
const jsonSpace = " \t\r\n"

// object is a JSON object of a request. Names must match exactly.
type object map[string]json.RawMessage

// readObject reads a body that is one JSON object with only the given names, or empty.
func readObject(body []byte, mediaType string, names ...string) (object, error) {
	body, err := readJSON(body, mediaType)
	if err != nil || len(body) == 0 {
		return object{}, err
	}
	return toObject(body, "body", names...)
}

// readData reads a body that is the data of an event. An empty body is {}.
func readData(body []byte, mediaType string) ([]byte, error) {
	body, err := readJSON(body, mediaType)
	switch {
	case err != nil:
		return nil, err
	case len(body) == 0:
		return []byte("{}"), nil
	case body[0] != '{':
		return nil, invalid("body", "must be a JSON object")
	}
	return body, nil
}

// readJSON checks that a body is JSON, or empty, and returns it without the white space
// around it.
func readJSON(body []byte, mediaType string) ([]byte, error) {
	if mediaType != typeJSON {
		return nil, badMediaType("send " + typeJSON)
	}
	body = bytes.Trim(body, jsonSpace)
	if len(body) == 0 {
		return nil, nil
	}
	if err := checkJSON(body); err != nil {
		return nil, badRequest("the body is not JSON: " + err.Error())
	}
	return body, nil
}

// checkJSON says where a text stops being JSON.
func checkJSON(text []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w (at byte %d)", err, syntax.Offset)
	}
	return err
}

// toObject splits a JSON object. It refuses other names than the given ones, and names that
// appear twice, so that nothing the client meant is lost silently. field is the name of the
// text in an error, if it is not an object.
func toObject(text []byte, field string, names ...string) (object, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(text, jsonSpace), []byte("{")) {
		return nil, invalid(field, "must be a JSON object")
	}
	o := object{}
	s := jsonscan.Object(text)
	for s.Next() {
		name, err := nameOf(s.Name)
		switch {
		case err != nil:
			return nil, badRequest("the body is not JSON: " + err.Error())
		case !slices.Contains(names, name):
			return nil, invalid(cmp.Or(fmt.Sprintf("%.64s", name), field), "is not known here; known are "+strings.Join(names, ", "))
		case o[name] != nil:
			return nil, invalid(name, "is given more than once")
		}
		o[name] = s.Value
	}
	if !s.OK() {
		return nil, badRequest(fmt.Sprintf("the body is not JSON: %v", cmp.Or(checkJSON(text), errNoObject)))
	}
	return o, nil
}

var errNoObject = errors.New("not one JSON object in valid UTF-8")

// nameOf is the name of a field, from its raw text.
func nameOf(raw []byte) (name string, err error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	err = json.Unmarshal(raw, &name)
	return name, err
}

// text reads a string, or nil if it is absent.
func (o object) text(name string) (*string, error) {
	raw, given := o[name]
	if !given {
		return nil, nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return nil, invalid(name, "must be a string")
	}
	return s, nil
}

// flag reads true or false, or false if it is absent.
func (o object) flag(name string) (bool, error) {
	raw, given := o[name]
	if !given {
		return false, nil
	}
	var set *bool
	if err := json.Unmarshal(raw, &set); err != nil || set == nil {
		return false, invalid(name, "must be true or false")
	}
	return *set, nil
}
