package router_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"jrweb/eventlog"
)

func TestATaskIsCreatedAndChangedAndKeepsWhatIsLeftOut(t *testing.T) {
	s := serve(t)
	want := func(title, typ, parent, description string) string {
		return fmt.Sprintf(`{"id":"t-197.4","title":%q,"type":%q,"parent":%q,"description":%q,"status":"none","created":"<time>","updated":"<time>",
			"sessions":0,"totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}}`, title, typ, parent, description)
	}
	put := func(body string) *answer { return s.put("/tasks/t-197.4", body) }
	put(`{"title":"A","type":"bug","parent":"t-197","description":"why"}`).is(201).json(want("A", "bug", "t-197", "why"))
	put(`{"title":"B"}`).is(200).json(want("B", "bug", "t-197", "why"))
	put(`{"description":"<b>&","type":""}`).is(200).json(want("B", "", "t-197", "<b>&"))
	put(`{"parent":""}`).is(200).json(want("B", "", "", "<b>&"))
	put("").is(200).json(want("B", "", "", "<b>&"))
	put("{}").is(200).json(want("B", "", "", "<b>&"))
	s.restart()
	s.get("/tasks/t-197.4").is(200).json(want("B", "", "", "<b>&"))
	s.put("/tasks/empty", "").is(201)
}

func TestATaskAddsUpItsSessions(t *testing.T) {
	s := serve(t)
	cost := func(usd string, in int) string {
		return fmt.Sprintf(`{"type":"cost","data":{"usd":%s,"input_tokens":%d,"output_tokens":1}}`, usd, in)
	}
	s.append("t-1", cost("0.1", 10), complete)
	s.append("t-1", cost("0.2", 20), `{"type":"complete","data":{"status":"failed"}}`)
	s.get("/tasks/t-1").json(`{"id":"t-1","title":"","type":"","parent":"","description":"","status":"failed","created":"<time>","updated":"<time>",
		"sessions":2,"totals":{"events":4,"usd":0.3,"input_tokens":30,"output_tokens":2,"cache_read_tokens":0,"cache_write_tokens":0}}`)
	s.start("t-1")
	s.get("/tasks/t-1").says(`"status":"open"`).says(`"sessions":3`)
}

// ids are the ids in a list, oldest place first.
func (a *answer) ids(list string) string {
	a.Helper()
	var ids []string
	for _, item := range a.is(200).object()[list].([]any) {
		ids = append(ids, item.(map[string]any)["id"].(string))
	}
	return strings.Join(ids, " ")
}

func TestTasksAreListedNewestActivityFirst(t *testing.T) {
	s := serve(t)
	s.get("/tasks").json(`{"tasks":[],"next":""}`)
	for i := range 5 {
		s.put(fmt.Sprintf("/tasks/t-%d", i), "{}").is(201)
	}
	list := func(want string) {
		t.Helper()
		if got := s.get("/tasks").ids("tasks"); got != want {
			t.Errorf("the tasks are %s, not %s", got, want)
		}
	}
	list("t-4 t-3 t-2 t-1 t-0")
	s.append("t-1", say("a"))
	list("t-1 t-4 t-3 t-2 t-0")
	s.append("t-3", complete)
	s.put("/tasks/t-0", "{}").is(200)
	list("t-0 t-3 t-1 t-4 t-2")
	s.delete("/tasks/t-1").is(204)
	list("t-0 t-3 t-4 t-2")
	s.restart()
	list("t-0 t-3 t-4 t-2")
}

// walk reads a list to its end, and returns the ids of all pages.
func (s *server) walk(path, list string, limit int) string {
	s.Helper()
	var all []string
	for after := ""; ; {
		a := s.get(fmt.Sprintf("%s?limit=%d&after=%s", path, limit, after))
		if ids := a.ids(list); ids != "" {
			all = append(all, ids)
		}
		if after = a.text("next"); after == "" {
			return strings.Join(all, " ")
		}
	}
}

func TestListsGoOnByNext(t *testing.T) {
	s := serve(t)
	var tasks, sessions []string
	for i := range 5 {
		s.put(fmt.Sprintf("/tasks/t-%d", i), "{}").is(201)
		tasks = append([]string{fmt.Sprintf("t-%d", i)}, tasks...)
		sessions = append([]string{s.start("t-0")}, sessions...)
	}
	tasks = append([]string{"t-0"}, tasks[:4]...) // its sessions are the newest activity
	for limit := 1; limit <= 6; limit++ {
		if got := s.walk("/tasks", "tasks", limit); got != strings.Join(tasks, " ") {
			t.Errorf("tasks by %d are %s, not %s", limit, got, tasks)
		}
		if got := s.walk("/tasks/t-0/sessions", "sessions", limit); got != strings.Join(sessions, " ") {
			t.Errorf("sessions by %d are %s, not %s", limit, got, sessions)
		}
	}
}

func TestAListHasAHundredEntriesUnlessTheClientSaysOtherwise(t *testing.T) {
	s := serve(t)
	for i := range 101 {
		s.put(fmt.Sprintf("/tasks/t-%d", i), "{}").is(201)
	}
	if n := len(strings.Fields(s.get("/tasks").ids("tasks"))); n != 100 {
		t.Errorf("there are %d", n)
	}
	if n := len(strings.Fields(s.get("/tasks?limit=1000").ids("tasks"))); n != 101 {
		t.Errorf("with limit=1000 there are %d", n)
	}
}

func TestADeletedTaskIsGoneForGood(t *testing.T) {
	s := serve(t)
	session := s.append("t-1", say("secret"))
	s.delete("/tasks/t-1").is(204)
	gone := func() {
		t.Helper()
		for _, path := range []string{"", "/events", "/events/stream", "/sessions", "/sessions/" + session} {
			s.get("/tasks/t-1"+path).problem(404, "")
		}
		s.delete("/tasks/t-1").problem(404, "")
	}
	gone()
	s.restart()
	gone()
	if again := s.append("t-1", say("new")); again == session {
		t.Error("the id of the deleted session was issued again")
	}
	s.get("/tasks/t-1/sessions/"+session).problem(404, "")
	s.get("/tasks/t-1/events?session="+session).problem(404, "")
	s.get("/tasks/t-1/events?after="+session+":0").problem(404, "after")
	s.holds("/tasks/t-1/events?sessions=all", "new")
}

// A task may have a description of 64 KiB, so a list ends by bytes as well as by count.
func TestAListOfTasksEndsByBytes(t *testing.T) {
	s := serve(t)
	long := strings.Repeat("x", 60<<10)
	for i := range 60 {
		if _, _, err := s.log.PutTask(t.Context(), fmt.Sprintf("t-%d", i), eventlog.TaskChange{Description: &long}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for query := "?limit=1000"; query != ""; {
		a := s.get("/tasks" + query).is(200)
		if len(a.body) > 2<<20 {
			t.Errorf("a page has %d bytes", len(a.body))
		}
		var list struct {
			Tasks []struct{ ID string }
			Next  string
		}
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatal(err)
		}
		for _, task := range list.Tasks {
			got = append(got, task.ID)
		}
		if query = ""; list.Next != "" {
			query = "?limit=1000&after=" + list.Next
		}
	}
	for i := range got {
		if want := fmt.Sprintf("t-%d", 59-i); got[i] != want {
			t.Fatalf("task %d of the list is %s, not %s", i, got[i], want)
		}
	}
	if len(got) != 60 {
		t.Errorf("%d tasks, not 60", len(got))
	}
}
