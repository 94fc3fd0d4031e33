package router_test

import (
	"strings"
	"testing"

	"jrweb/router/page"
)

func TestATaskIsAPageForBrowsersAndJSONForOthers(t *testing.T) {
	s := serve(t)
	s.put("/tasks/t-1", `{"title":"<script>alert(1)</script>"}`).is(201)
	for accept, contentType := range map[string]string{
		"":                                  jsonType,
		"*/*":                               jsonType,
		"text/*":                            jsonType,
		"application/json":                  jsonType,
		"text/html":                         htmlType,
		"TEXT/HTML":                         htmlType,
		"text/html;q=0":                     jsonType,
		"text/html; Q=0.0":                  jsonType,
		"text/html;q=0.1, application/json": htmlType,
		"application/json, text/html;level=1;q=0, text/html":              htmlType,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": htmlType,
		"text/htmlx": jsonType,
	} {
		s.get("/tasks/t-1", "Accept: "+accept).is(200).has("Content-Type", contentType).has("Vary", "Accept")
	}
	s.get("/tasks/t-1", "Accept: application/json", "Accept: text/html").has("Content-Type", htmlType)
	s.get("/tasks/nobody", "Accept: text/html").problem(404, "").has("Vary", "Accept")
}

func TestPagesHaveAStrictPolicyAndNoMarkupOfUsers(t *testing.T) {
	s := serve(t)
	session := s.append("t-1", say("a"))
	s.put("/tasks/t-1", `{"title":"<script>alert(1)</script>"}`).is(200)
	for _, path := range []string{"/", "/tasks/t-1", "/tasks/t-1?session=" + session} {
		a := s.get(path, "Accept: text/html").is(200).has("Content-Type", htmlType).
			has("Content-Security-Policy", page.ContentSecurityPolicy).
			has("Referrer-Policy", "no-referrer").has("X-Content-Type-Options", "nosniff").
			says("&lt;script&gt;alert(1)")
		if strings.Contains(a.body, "<script>") || strings.Contains(page.ContentSecurityPolicy, "unsafe") {
			t.Errorf("%s has script in it, or allows it", path)
		}
	}
}

func TestThePageOfATaskShowsTheSessionThatIsAskedFor(t *testing.T) {
	s := serve(t)
	first := s.append("t-1", say("a"), complete)
	for range 201 { // more than the page lists
		s.start("t-1")
	}
	s.get("/tasks/t-1?session="+first, "Accept: text/html").is(200).says(`data-session="` + first + `" aria-current="page"`)
	other := s.start("t-2")
	for _, session := range []string{"", "x", other, strings.Repeat("Z", 26)} {
		s.get("/tasks/t-1?session="+session, "Accept: text/html").problem(404, "")
	}
	s.get("/tasks/t-1?session="+first+"&session="+first, "Accept: text/html").problem(400, "session")
	s.get("/tasks/t-1?session="+first).problem(400, "session") // the task's JSON is of all of them
}

func TestAssetsAreServedAndCached(t *testing.T) {
	s := serve(t)
	a := s.get("/assets/app.css").is(200).has("Content-Type", "text/css; charset=utf-8").has("X-Content-Type-Options", "nosniff")
	s.get("/assets/app.css", "If-None-Match: "+a.header.Get("ETag")).is(304)
	s.get("/assets/task.js").is(200).has("Content-Type", "text/javascript; charset=utf-8")
	s.get("/assets/icon.svg").is(200).has("Content-Type", "image/svg+xml")
	s.get("/assets/app.css", "Range: bytes=9999999-").problem(416, "")
}
