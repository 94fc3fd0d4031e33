// Package page renders the two pages that people look at, and serves their
// style and scripts:
//
//	err := page.List(w, page.ListPage{Tasks: tasks})
//	err := page.Task(w, page.TaskPage{Task: task, Sessions: sessions})
//	mux.Handle("/assets/", http.StripPrefix("/assets/", page.Assets()))
//
// What it promises:
//
//   - Every string of a task, a session or an event is shown as text, never as markup.
//   - The pages work under [ContentSecurityPolicy]: no inline script, no inline style.
//   - All URLs are relative, so the pages work under any prefix. List belongs at
//     <mount>/, Task at <mount>/tasks/<id>, Assets at <mount>/assets/.
//   - Without script the pages are static: what the server knew when it rendered them.
//
// Caveats: the events of a session are not rendered here. The script of the task
// page reads them from the stream, and from then on it counts for itself.
package page

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"jrweb/eventlog"
)

// ContentSecurityPolicy is the policy that both pages work under. Whoever serves
// them sends it as the Content-Security-Policy header.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// ListPage is what the page of all tasks shows.
type ListPage struct {
	Tasks []eventlog.Task // newest activity first
}

// TaskPage is what the page of one task shows.
type TaskPage struct {
	Task     eventlog.Task
	Sessions []eventlog.SessionInfo // newest first
	// Session is the session whose timeline is asked for, zero for the latest.
	Session eventlog.SessionID
}

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(formats).ParseFS(templateFiles, "templates/*.html"))

// List writes the page of all tasks.
func List(w io.Writer, p ListPage) error {
	if err := templates.ExecuteTemplate(w, "list.html", p); err != nil {
		return fmt.Errorf("page: list: %w", err)
	}
	return nil
}

// Task writes the page of one task.
func Task(w io.Writer, p TaskPage) error {
	if err := templates.ExecuteTemplate(w, "task.html", newTaskView(p)); err != nil {
		return fmt.Errorf("page: task %s: %w", p.Task.ID, err)
	}
	return nil
}

// taskView is a TaskPage with what its template would otherwise have to look up.
type taskView struct {
	TaskPage
	Shown *eventlog.SessionInfo // the session of the timeline, nil when there is none yet
	Runs  []run
}

// run is a session with its place among all sessions of its task.
type run struct {
	eventlog.SessionInfo
	Number int // 1 is the first that started
	Shown  bool
}

func newTaskView(p TaskPage) taskView {
	v := taskView{TaskPage: p}
	for i := range p.Sessions {
		s := &p.Sessions[i]
		shown := s.ID == p.Session || p.Session.IsZero() && i == 0
		if shown {
			v.Shown = s
		}
		v.Runs = append(v.Runs, run{SessionInfo: *s, Number: max(p.Task.Sessions, len(p.Sessions)) - i, Shown: shown})
	}
	return v
}
