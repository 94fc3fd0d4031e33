// Package price estimates what tokens cost where an agent names no money: from a
// table of list prices.
//
//	table := price.Default()
//	p, known := table.Price("us.anthropic.claude-opus-4-5-20251101-v1:0")
//	session := table.Session(info) // its totals tell the estimate
//
// What it promises:
//
//   - An estimate is made when it is shown. It is never stored, and never mixed with
//     what an agent said itself.
//   - A model that the table does not have is unknown, and so is a variant with a
//     name that no rule explains: [Table.Price] says which names mean the same model.
//
// Caveats: the prices are those of the table's date, whenever the tokens were spent,
// at standard speed and for prompts of ordinary length.
package price

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"sync"
)

// Price is what a million tokens of each kind cost, in US dollars.
type Price struct {
	Input, Cached, CacheWrite, Output float64
}

// Tokens are numbers of tokens that do not overlap: input is without what was read
// from or written to a cache.
type Tokens struct {
	Input, Cached, CacheWrite, Output uint64
}

// Of returns what tokens cost, in US dollars.
func (p Price) Of(t Tokens) float64 {
	return (float64(t.Input)*p.Input + float64(t.Cached)*p.Cached +
		float64(t.CacheWrite)*p.CacheWrite + float64(t.Output)*p.Output) / 1e6
}

// Table has the prices of models. It does not change, so it may be used concurrently.
// The nil table knows no price.
type Table struct {
	date   string
	models map[string]Price
}

// Date is the day of the prices, as 2026-11-26. It is empty if nobody said it.
func (t *Table) Date() string {
	if t == nil {
		return ""
	}
	return t.date
}

//go:embed prices.json
var builtIn []byte

// Default returns the table that is built in.
func Default() *Table { return defaultTable() }

var defaultTable = sync.OnceValue(func() *Table {
	f, err := parse(builtIn)
	if err != nil {
		panic("price: the table that is built in: " + err.Error())
	}
	return &Table{date: f.date, models: f.models}
})

// Load returns the table of a file. Its models stand beside those that are built in
// and before those of the same name; with "replace": true it is all there is. The form
// is that of prices.json in this package:
//
//	{
//	  "date": "2026-11-26",
//	  "replace": false,
//	  "models": {
//	    "my-model": {"input": 1, "cached": 0.1, "cache_write": 1.25, "output": 5}
//	  }
//	}
//
// cached and cache_write are the price of input where they are left out.
func Load(name string) (*Table, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("price: %w", err)
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("price: %s, %w", name, err)
	}
	t := &Table{date: f.date, models: f.models}
	if !f.replace {
		t.models = maps.Clone(Default().models)
		maps.Copy(t.models, f.models)
		if t.date == "" {
			t.date = Default().date
		}
	}
	return t, nil
}
