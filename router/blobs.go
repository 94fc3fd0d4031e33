package router

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"jrweb/eventlog"
	"jrweb/router/blob"
)

// errNoBlob is the only answer for everything that is not an image, or not one that is safe
// to show.
var errNoBlob = newProblem(http.StatusNotFound, "not_found", "Not found", "the session has no such image, or none that is safe to show")

// getBlob serves an image of an event. It comes from an agent, so browsers must treat it as
// an image and nothing else.
func (rt *router) getBlob(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "sequence")
	if err != nil {
		return err
	}
	part, err := rt.findBlob(r.Context(), p, q)
	if err != nil {
		return err
	}
	image, err := part.Image()
	if err != nil {
		return errNoBlob
	}
	if err := hold(w, len(image.Bytes)); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", image.MediaType)
	h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="%.12s%s"`, p.hash, image.Extension()))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+p.hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(image.Bytes))
	return nil
}

// findBlob finds the image in the event that the query names, or in the first event of the
// session that has it.
func (rt *router) findBlob(ctx context.Context, p params, q queryValues) (part blob.Part, err error) {
	var after uint64
	text, named := q["sequence"]
	if named {
		sequence, err := strconv.ParseUint(text, 10, 64)
		if err != nil || sequence == 0 {
			return part, badQuery("sequence", "must be the sequence of an event")
		}
		after = sequence - 1
	}
	for found, knowsAll := false, false; ; {
		last := after
		page, err := rt.log.Scan(ctx, p.task, p.session, after, func(e *eventlog.Event) bool {
			last = e.Sequence
			if !named || e.Sequence == after+1 {
				part, found = blob.OfEvent(e.Data, p.hash)
			}
			return !found && !named
		})
		switch {
		case err != nil:
			return part, err
		case found:
			return part, nil
		case named && after < page.Head, last >= page.Head && (page.Sealed || knowsAll):
			return part, errNoBlob
		case last >= page.Head:
			// Another replica may have shown an event that this one does not have yet.
			if err := rt.log.CatchUp(ctx); err != nil {
				return part, err
			}
			knowsAll = true
		}
		after = last
	}
}
