package router

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"jrweb/eventlog"
	"jrweb/eventlog/find"
	"jrweb/router/page"
)

// pageHits writes hits as rows of the page.
type pageHits struct {
	*flow
	page *page.SearchPage
}

func (p *pageHits) hit(h *eventlog.Hit) error { return page.SearchHit(&p.waiting, p.page, h) }

func (p *pageHits) pause() error { return p.flush() }

// view is the page of a search before it has begun.
func (s *search) view() page.SearchPage {
	return page.SearchPage{Query: s.text, Continued: s.next != eventlog.SearchPlace{}, Warning: s.rt.warning(s.grant)}
}

// answerPage answers with a page that grows while the search goes on.
func (s *search) answerPage(ctx context.Context) error {
	view := s.view()
	view.Searches, view.Words = true, strings.Join(s.query.Words(), " ")
	s.w.Header().Set("Content-Security-Policy", page.ContentSecurityPolicy)
	out := &pageHits{newFlow(s.w, "text/html; charset=utf-8"), &view}
	defer out.release()
	if err := page.SearchStart(&out.waiting, &view); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	err := s.find(ctx, out)
	view.Hits, view.Back, view.Done, view.Failed = s.hits, s.back, s.done, err != nil
	if next := s.nextText(); next != "" && err == nil {
		view.Next = "?" + url.Values{"q": {s.text}, "after": {next}}.Encode()
	}
	if endErr := page.SearchEnd(&out.waiting, &view); endErr != nil {
		return endErr
	}
	if endErr := out.flush(); err == nil {
		err = endErr
	}
	return err
}

// answerEmpty answers with the page that says what can be searched for.
func (s *search) answerEmpty() error {
	view := s.view()
	return s.writeWhole(&view, http.StatusOK)
}

// answerWrong answers with the page that says what is wrong with the query.
func (s *search) answerWrong(wrong *find.QueryError) error {
	view := s.view()
	view.Wrong = wrong.Reason
	return s.writeWhole(&view, http.StatusBadRequest)
}

func (s *search) writeWhole(view *page.SearchPage, status int) error {
	var html bytes.Buffer
	if err := page.SearchStart(&html, view); err != nil {
		return err
	}
	if err := page.SearchEnd(&html, view); err != nil {
		return err
	}
	return writePageAs(s.w, status, &html)
}
