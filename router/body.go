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
type object struct {
	names  []string          // of the fields that it may have
	values []json.RawMessage // of these fields, nil if absent
}

// value returns the value of a field, or nil if it is absent.
func (o object) value(name string) json.RawMessage { return o.values[slices.Index(o.names, name)] }

// readObject reads a body that is one JSON object with only the given names, or empty.
func readObject(body []byte, mediaType string, names ...string) (object, error) {
	body, err := readData(body, mediaType)
	if err != nil {
		return object{}, err
	}
	s := jsonscan.Object(body)
	return toObject(&s, "body", names...)
}

// readData reads a body that is one JSON object. An empty body is {}.
func readData(body []byte, mediaType string) ([]byte, error) {
	if mediaType != typeJSON {
		return nil, badMediaType("send " + typeJSON)
	}
	data := bytes.Trim(body, jsonSpace)
	if len(data) == 0 {
		return []byte("{}"), nil
	}
	s := jsonscan.Object(body)
	for s.Next() {
	}
	if s.OK() {
		return data, nil
	}
	if err := notJSON(body); err != nil {
		return nil, badRequest("the body is " + err.Error())
	}
	return nil, invalid("body", "must be a JSON object")
}

// notJSON says why a text is not JSON in UTF-8 and where, or returns nil. A scan says
// neither, and most texts need only that.
func notJSON(text []byte) error {
	if at := invalidAt(text); at < len(text) {
		return fmt.Errorf("not valid UTF-8 at byte %d", at)
	}
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON: %w (at byte %d)", err, syntax.Offset)
	}
	return err
}

// toObject reads the fields of an object to its end. It refuses other names than the given
// ones, and names that appear twice, so that nothing the client meant is lost silently. field
// is the name of the object in an error. What it returns counts only if the scan is OK.
func toObject(s *jsonscan.Scanner, field string, names ...string) (o object, refused error) {
	o = object{names, make([]json.RawMessage, len(names))}
	for s.Next() {
		if refused != nil {
			continue // only what is no JSON would be worse
		}
		name := jsonscan.String(s.Name)
		switch i := slices.IndexFunc(names, func(known string) bool { return known == string(name) }); {
		case i < 0:
			refused = invalid(cmp.Or(fmt.Sprintf("%.64s", name), field), "is not known here; known are "+strings.Join(names, ", "))
		case o.values[i] != nil:
			refused = invalid(names[i], "is given more than once")
		default:
			o.values[i] = s.Value
		}
	}
	return o, refused
}

// text reads a string, or nil if it is absent.
func (o object) text(name string) (*string, error) {
	raw := o.value(name)
	if raw == nil {
		return nil, nil
	}
	if raw[0] != '"' {
		return nil, invalid(name, "must be a string")
	}
	return new(string(jsonscan.String(raw))), nil
}

// flag reads true or false, or false if it is absent.
func (o object) flag(name string) (bool, error) {
	raw := o.value(name)
	if raw == nil {
		return false, nil
	}
	var set *bool
	if err := json.Unmarshal(raw, &set); err != nil || set == nil {
		return false, invalid(name, "must be true or false")
	}
	return *set, nil
}
