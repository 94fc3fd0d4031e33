package main

import (
	"time"

	"github.com/urfave/cli/v3"
)

// retention says when sessions are ended and deleted without anybody asking for
// it. Zero means never, in each field.
type retention struct {
	sessionIdle time.Duration
	age         time.Duration
	sessions    int
	bytes       int64
}

// minRetainBytes keeps a number that was meant in larger units, such as
// -retain-bytes 10, from deleting everything.
const minRetainBytes = 1 << 20

func retentionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "session-idle-timeout", Value: 24 * time.Hour, Usage: "silence after which a session without a lease is sealed as interrupted; 0: never", Sources: env("session-idle-timeout"), OnlyOnce: true},
		&cli.DurationFlag{Name: "retain-age", Usage: "delete a session so long after its end, such as 720h; 0: never", Sources: env("retain-age"), OnlyOnce: true},
		&cli.IntFlag{Name: "retain-sessions", Usage: "how many sessions of a task to keep, the newest ones; 0: all", Sources: env("retain-sessions"), OnlyOnce: true},
		&cli.Int64Flag{Name: "retain-bytes", Usage: "delete the sessions that ended first when more of the database is in use, at least 1048576 (1 MiB); 0: never", Sources: env("retain-bytes"), OnlyOnce: true},
	}
}

func readRetention(c *cli.Command) (retention, error) {
	r := retention{
		sessionIdle: c.Duration("session-idle-timeout"),
		age:         c.Duration("retain-age"),
		sessions:    c.Int("retain-sessions"),
		bytes:       c.Int64("retain-bytes"),
	}
	for _, limit := range []struct {
		flag     string
		negative bool
	}{
		{"session-idle-timeout", r.sessionIdle < 0}, {"retain-age", r.age < 0}, {"retain-sessions", r.sessions < 0},
	} {
		if limit.negative {
			return r, usagef("-%s must not be negative", limit.flag)
		}
	}
	if r.bytes != 0 && r.bytes < minRetainBytes {
		return r, usagef("-retain-bytes must be 0, to keep everything, or at least %d", int64(minRetainBytes))
	}
	if most := c.Int64("max-db-bytes"); most > 0 && r.bytes >= most {
		return r, usagef("-retain-bytes must be less than -max-db-bytes, or appends are refused before anything is deleted")
	}
	return r, nil
}
