package router

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"jrweb/router/page"
)

// getUsage answers what was spent: as a page, as a table (CSV), or as JSON.
func (rt *router) getUsage(w http.ResponseWriter, r *http.Request, p params) error {
	w.Header().Add("Vary", "Accept")
	if p.grant.Sees != nil { // what was spent is not kept by task
		return &Refusal{Status: http.StatusForbidden, Detail: "what was spent is of all tasks, and you may see some of them"}
	}
	query, err := readQuery(r, append([]string{"since", "until", "by", "format"}, usageNames...)...)
	if err != nil {
		return err
	}
	format := query["format"]
	switch {
	case format != "" && !slices.Contains([]string{"json", "csv", "html"}, format):
		return badQuery("format", "must be json, csv or html")
	case format == "" && wants(r, "text/html"):
		format = "html"
	case format == "" && wants(r, "text/csv"):
		format = "csv"
	}
	by := []string{"day"}
	if format == "html" {
		by = []string{"day", "model"}
	}
	q, err := readUsageQuery(query, time.Now(), by...)
	if err != nil {
		return err
	}
	sums, err := sumUsage(r.Context(), rt.log, rt.o.Prices, q)
	if err != nil {
		return err
	}
	switch format {
	case "html":
		return rt.usagePage(w, sums, p)
	case "csv":
		return writeUsageCSV(w, sums)
	}
	answer := struct {
		Since string       `json:"since"`
		Until string       `json:"until"`
		Rows  []usageRow   `json:"rows"`
		Total usageAmounts `json:"total"`
	}{q.since.Format(time.DateOnly), q.until.Format(time.DateOnly), []usageRow{}, amountsOf(&sums.total)}
	for _, sum := range sums.sorted() {
		answer.Rows = append(answer.Rows, usageRow{q.by, sum})
	}
	return writeRead(w, answer)
}

func writeUsageCSV(w http.ResponseWriter, u *usageSums) error {
	var body bytes.Buffer
	out := csv.NewWriter(&body)
	_ = out.Write(append(slices.Clone(u.query.by), "usd", "estimated_usd", "unpriced", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"))
	for _, sum := range u.sorted() {
		cells := make([]string, 0, len(sum.names)+7)
		for _, name := range sum.names {
			cells = append(cells, csvText(name))
		}
		t := &sum.totals
		cells = append(cells, fmt.Sprintf("%.9f", t.USD), fmt.Sprintf("%.9f", t.EstimatedUSD), strconv.FormatBool(t.Unpriced))
		for _, n := range []uint64{t.InputTokens, t.OutputTokens, t.CacheReadTokens, t.CacheWriteTokens} {
			cells = append(cells, strconv.FormatUint(n, 10))
		}
		_ = out.Write(cells)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("encode the table: %w", err)
	}
	if err := hold(w, body.Cap()); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="usage.csv"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	_, _ = w.Write(body.Bytes()) // if it fails, the client is gone
	return nil
}

// csvText is a name in a table. A spreadsheet takes what begins like a formula for one, and
// names come from agents.
func csvText(name string) string {
	if name != "" && bytes.ContainsRune([]byte("=+-@\t\r"), rune(name[0])) {
		return "'" + name
	}
	return name
}

func (rt *router) usagePage(w http.ResponseWriter, u *usageSums, p params) error {
	view := page.UsagePage{
		Since: u.query.since, Until: u.query.until, By: u.query.by, Only: u.query.only,
		Total: u.total, PricesOf: rt.o.Prices.Date(), Warning: rt.warning(&p.grant),
	}
	if rt.pages["/login"] {
		view.Person = p.grant.Name
	}
	for _, sum := range u.sorted() {
		view.Rows = append(view.Rows, page.UsageRow{Names: sum.names, Totals: sum.totals})
	}
	var html bytes.Buffer
	if err := page.Usage(&html, view); err != nil {
		return err
	}
	return writePage(w, &html)
}
