package router

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// wallTasks is how many running tasks the wall shows.
const wallTasks = 200

// wallPage answers the page of the running tasks.
func (rt *router) wallPage(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "kiosk")
	if err != nil {
		return err
	}
	view := page.WallPage{Warning: rt.warning(&p.grant)}
	if kiosk, given := q["kiosk"]; given && kiosk != "" {
		return badQuery("kiosk", "has no value")
	} else if given {
		view.Kiosk = true
	}
	if rt.pages["/login"] {
		view.Person = p.grant.Name
	}
	running := taskFilter{status: eventlog.StatusOpen}
	tasks, next, err := taskList(r.Context(), rt.log.Tasks, 0, wallTasks, running.of(&p.grant), func(n int) error { return hold(w, n) })
	if err != nil {
		return err
	}
	view.More = next != 0 && len(tasks) == wallTasks
	looks := outlineLooks
	for i := range tasks {
		card, err := rt.card(r.Context(), &tasks[i], &looks)
		// The task was deleted just now, or its session is damaged. The others are shown.
		if errors.Is(err, eventlog.ErrTaskNotFound) || errors.Is(err, eventlog.ErrSessionNotFound) || errors.Is(err, eventlog.ErrDamaged) {
			continue
		}
		if err != nil {
			return err
		}
		view.Cards = append(view.Cards, card)
	}
	var html bytes.Buffer
	if err := page.Wall(&html, view); err != nil {
		return err
	}
	return writePage(w, &html)
}

// card returns what the wall shows of a task.
func (rt *router) card(ctx context.Context, t *eventlog.Task, looks *int) (page.Card, error) {
	info, err := rt.log.Session(t.ID, t.Latest).Info(ctx)
	if err != nil {
		return page.Card{}, err
	}
	card := page.Card{Task: *t}
	if err := rt.outlines.with(ctx, &info, looks, func(o *page.Outline) { card.Now = o.NowIn(&info) }); err != nil {
		return page.Card{}, err
	}
	rt.showSession(&info)
	card.Session = info
	return card, nil
}
