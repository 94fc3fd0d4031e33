package main

import (
	"github.com/urfave/cli/v3"

	"jrweb/router/price"
)

func pricesFlag() cli.Flag {
	return stringFlag("prices", "", "a file of list prices, for estimates of what tokens cost, beside those that are built in")
}

// readPrices returns the table that estimates are made from.
func readPrices(c *cli.Command) (*price.Table, error) {
	name := c.String("prices")
	if name == "" {
		return price.Default(), nil
	}
	table, err := price.Load(name)
	if err != nil {
		return nil, usagef("-prices: %w", err)
	}
	return table, nil
}
