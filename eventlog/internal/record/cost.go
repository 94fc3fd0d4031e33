package record

import (
	"fmt"
	"math"

	"jrweb/eventlog/event"
)

// Cost is a cost event, decoded.
type Cost struct {
	Amounts
	Model      string
	Cumulative bool
	// ID is the agent's name for what it paid for. PartOf is the account that includes it.
	// Turn is set if only that turn of the account ID is meant. See accounts.go.
	ID, Turn, PartOf string
}

// The largest amounts that one cost event may have. They are far beyond any real amount,
// and low enough that no sum of them overflows.
const (
	maxUSD    = 1e12
	maxTokens = 1e12
)

func (p *Prepared) readCost(o *object) *event.FieldError {
	c := &Cost{}
	usd, err := amount(o, "usd", maxUSD)
	if err != nil {
		return err
	}
	c.USD = usd
	for _, f := range []struct {
		name string
		to   *uint64
	}{
		{"input_tokens", &c.InputTokens}, {"output_tokens", &c.OutputTokens},
		{"cache_read_tokens", &c.CacheReadTokens}, {"cache_write_tokens", &c.CacheWriteTokens},
	} {
		n, err := amount(o, f.name, maxTokens)
		if err != nil {
			return err
		}
		if n != math.Trunc(n) {
			return wrong("data."+f.name, "must be a whole number")
		}
		*f.to = uint64(n)
	}
	scope := "delta"
	if err := optionalText(o, "scope", &scope); err != nil {
		return err
	}
	if scope != "delta" && scope != "cumulative" {
		return wrong("data.scope", "must be delta or cumulative")
	}
	c.Cumulative = scope == "cumulative"
	if err := optionalName(o, "model", &c.Model); err != nil {
		return err
	}
	p.Cost = c
	return c.readIDs(o)
}

// maxCostID is the largest size, in bytes, of the id of a cost.
const maxCostID = 256

// readIDs sets the ids, or none of them if one is wrong.
func (c *Cost) readIDs(o *object) *event.FieldError {
	var id, turn, partOf string
	for _, f := range []struct {
		name string
		to   *string
	}{{"id", &id}, {"turn", &turn}, {"part_of", &partOf}} {
		if err := optionalText(o, f.name, f.to); err != nil {
			return err
		}
		if o.value(f.name) != nil && (*f.to == "" || len(*f.to) > maxCostID) {
			return wrong("data."+f.name, fmt.Sprintf("must have 1 to %d bytes", maxCostID))
		}
	}
	if partOf != "" && id == "" {
		return wrong("data.part_of", "needs an id beside it")
	}
	if turn != "" && (id == "" || partOf != "") {
		return wrong("data.turn", "needs the id of an account beside it, and no part_of")
	}
	c.ID, c.Turn, c.PartOf = id, turn, partOf
	return nil
}
