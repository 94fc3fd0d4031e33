package price_test

import (
	"testing"

	"jrweb/eventlog"
	"jrweb/router/price"
)

func TestEstimatesAreOfTokensWithoutMoney(t *testing.T) {
	opus := eventlog.ModelTokens{Model: "claude-opus-4-5-20251101", InputTokens: 100_000, OutputTokens: 10_000, CacheReadTokens: 1_000_000, CacheWriteTokens: 40_000}
	unknown := eventlog.ModelTokens{Model: "house-model", InputTokens: 5}
	for name, c := range map[string]struct {
		told     eventlog.USD
		tokens   []eventlog.ModelTokens
		estimate eventlog.USD
		unpriced bool
		text     string
	}{
		"nothing":              {0, nil, 0, false, "–"},
		"told":                 {1.234, nil, 0, false, "$1.23"},
		"estimated":            {0, []eventlog.ModelTokens{opus}, 1.5, false, "≈ $1.50"},
		"both":                 {1, []eventlog.ModelTokens{opus}, 1.5, false, "≈ $2.50"},
		"of two models":        {0, []eventlog.ModelTokens{opus, {Model: "gpt-5", OutputTokens: 50_000}}, 2, false, "≈ $2.00"},
		"unknown":              {0, []eventlog.ModelTokens{unknown}, 0, true, "–"},
		"told and unknown":     {0.5, []eventlog.ModelTokens{unknown}, 0, true, "$0.50"},
		"some of it unknown":   {0, []eventlog.ModelTokens{opus, unknown}, 1.5, true, "≈ $1.50"},
		"less than a cent":     {0.0042, nil, 0, false, "$0.0042"},
		"next to nothing":      {0.00001, nil, 0, false, "<$0.0001"},
		"an estimate of a bit": {0, []eventlog.ModelTokens{{Model: "gpt-5-nano", InputTokens: 1}}, 0.00000005, false, "≈ <$0.0001"},
	} {
		task := eventlog.Task{Totals: eventlog.Totals{USD: c.told}, Unpriced: c.tokens}
		session := eventlog.SessionInfo{Totals: task.Totals, Unpriced: c.tokens}
		for range 2 { // to estimate twice is to estimate once
			price.Default().EstimateTask(&task)
			price.Default().EstimateSession(&session)
		}
		for _, got := range []eventlog.Totals{task.Totals, session.Totals} {
			if diff := got.EstimatedUSD - c.estimate; diff > 1e-12 || diff < -1e-12 || got.Unpriced != c.unpriced || got.USD != c.told {
				t.Errorf("%s: got %+v", name, got)
			}
			if text := price.Text(&got); text != c.text {
				t.Errorf("%s: shown as %q, want %q", name, text, c.text)
			}
		}
	}
}
