package main

import (
	"iter"
	"strings"
	"testing"
)

func TestLinesAreCutAtColumnsOfTheTerminal(t *testing.T) {
	for _, c := range []struct {
		line string
		n    int
		want string
	}{
		{"plain", 5, "plain"},
		{"plain text", 5, "plai…"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"日本語", 1, "…"},
		{"🎉🎉", 3, "🎉…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301…"},
		{"", 3, ""},
	} {
		got := fit(c.line, c.n)
		if got != c.want || columns(got) > c.n {
			t.Errorf("fit(%q, %d) = %q, %d columns; want %q", c.line, c.n, got, columns(got), c.want)
		}
	}
}

func TestCellsStandBelowEachOtherHoweverWideTheirCharactersAre(t *testing.T) {
	var rows iter.Seq2[string, error] = func(yield func(string, error) bool) {
		_ = yield("日本語\tb", nil) && yield("a\tb", nil) && yield("🎉e\u0301\tb", nil)
	}
	for width, want := range map[int]string{
		0: "NAME    B\n日本語  b\na       b\n🎉e\u0301     b\n",
		7: "NAME  B\n日…   b\na     b\n🎉e\u0301   b\n",
	} {
		var out strings.Builder
		if err := writeTable(&out, width, "NAME\tB", nil, rows, func(s string) string { return s }); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("width %d:\n%s\nwant\n%s", width, out.String(), want)
		}
	}
}

func TestANarrowTableDoesWithoutWhatMattersLess(t *testing.T) {
	var rows iter.Seq2[string, error] = func(yield func(string, error) bool) {
		_ = yield("shop-117\tsucceeded\t2026-11-26 17:40:01\tThe total is one cent short", nil)
	}
	for width, want := range map[int]string{
		0:  "TASK      STATUS     UPDATED              TITLE\nshop-117  succeeded  2026-11-26 17:40:01  The total is one cent short\n",
		60: "TASK      STATUS     UPDATED              TITLE\nshop-117  succeeded  2026-11-26 17:40:01  The total is one …\n",
		40: "TASK      STATUS     TITLE\nshop-117  succeeded  The total is one c…\n",
		30: "TASK      TITLE\nshop-117  The total is one ce…\n",
		20: "TASK      TITLE\nshop-117  The total…\n",
		12: "TASK    TIT…\nshop-…  The…\n",
	} {
		var out strings.Builder
		if err := writeTable(&out, width, "TASK\tSTATUS\tUPDATED\tTITLE", []string{"UPDATED", "STATUS"}, rows, func(s string) string { return s }); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("width %d:\n%s\nwant\n%s", width, out.String(), want)
		}
	}
}
