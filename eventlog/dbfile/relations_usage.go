package dbfile

import (
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// checkUsage checks the rows of store.Usage by themselves: what they count may have been
// deleted since, so no other record says the same.
func (c *relations) checkUsage() error {
	var day record.Day
	rows := 0
	return c.each(store.Usage, func(key, _ []byte) error {
		u, err := record.DecodeUsage(key, c.Get(store.Usage, key))
		if err != nil {
			return c.malformed(store.Usage, key, err)
		}
		if u.Day != day {
			day, rows = u.Day, 0
		}
		if rows++; rows == record.MaxUsageRows+2 {
			c.wrong(store.Usage, key, "is one row more than a day has")
		}
		switch {
		case u.USD < 0:
			c.wrong(store.Usage, key, "has a negative sum")
		case u.TooLong():
			c.wrong(store.Usage, key, "has a name that is too long")
		}
		return nil
	}, nil)
}
