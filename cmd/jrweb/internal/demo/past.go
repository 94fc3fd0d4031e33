package demo

import (
	"time"

	"jrweb/eventlog"
)

// finished is a session that was over before the demo began.
type finished struct {
	task string
	ago  time.Duration
	story
}

// past returns what the agent did before, the oldest first.
func past() []finished {
	return []finished{
		{"shop-109", 3*time.Hour + 12*time.Minute, thousandsSeparator()},
		{"shop-112", 2*time.Hour + 5*time.Minute, supplierImport()},
		{"shop-114", 84 * time.Minute, leftBackups(false)},
		{"shop-114", 71 * time.Minute, leftBackups(true)},
		{"shop-117", 23 * time.Minute, unusedIndex()},
	}
}

func thousandsSeparator() story {
	s := &script{}
	s.status("Started on branch shop-109, worktree is clean")
	s.think("Prices above 1000 are shown as 1249.00. The task wants 1,249.00. There must be one place that formats money.")
	s.tools(search(`func.*[Mm]oney`, "**/*.go", 90*time.Millisecond, "internal/money/format.go:12:func Format(cents int64) string {\ninternal/money/format_test.go:8:func TestFormat(t *testing.T) {"))
	s.tools(read("internal/money/format.go", 25*time.Millisecond, `package money

import "fmt"

// Format shows an amount as people write it.
func Format(cents int64) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
`))
	s.cost(4120, 310, 0)
	s.tools(edit("internal/money/format.go",
		"\treturn fmt.Sprintf(\"%d.%02d\", cents/100, cents%100)\n",
		"\treturn message.NewPrinter(language.English).Sprintf(\"%d.%02d\", cents/100, cents%100)\n"))
	s.tools(shell("go test ./internal/money/...", 1400*time.Millisecond, "ok  \tshop/internal/money\t0.006s\n"))
	s.cost(1290, 240, 4430)
	s.say("Prices are now shown with a thousands separator: `1,249.00`. It is one line in `internal/money/format.go`; all pages use it.")
	s.complete(eventlog.Succeeded, "done, tests pass")
	return story{"Show prices with a thousands separator", "feature", "1249.00 is hard to read. Show 1,249.00 everywhere.", s}
}

func supplierImport() story {
	s := &script{}
	s.status("Started on branch shop-112, worktree is clean")
	s.say("I'll look at how the other suppliers are imported, then do the same for Nordholz.")
	s.tools(
		shell("ls internal/suppliers", 30*time.Millisecond, "bauer.go\nbauer_test.go\nferreira.go\nferreira_test.go\nsuppliers.go\n"),
		read("internal/suppliers/suppliers.go", 35*time.Millisecond, `// Package suppliers imports the price lists of those we buy from.
package suppliers

import "context"

// Supplier delivers a price list.
type Supplier interface {
	Name() string
	PriceList(ctx context.Context) ([]Item, error)
}
`))
	s.cost(5210, 280, 0)
	s.tools(shell("curl -sS -u nordholz:$NORDHOLZ_PASSWORD https://pricelist.nordholz.example/v2/items | head", 900*time.Millisecond,
		"HTTP/1.1 401 Unauthorized\n{\"error\":\"the password of this account has expired\"}\n").broken())
	s.think("The address is right and the account exists, but its password has expired. I cannot renew it: it goes to the person who holds the contract.")
	s.cost(1460, 190, 5320)
	s.fail("Nordholz refuses our account: its password has expired", "credentials_expired")
	s.say("I stopped here. Without the price list I would have to guess its format.\n\n**To go on:** renew the password in the Nordholz portal, store it as `NORDHOLZ_PASSWORD`, and start this task again.")
	s.complete(eventlog.Failed, "the supplier's password has expired")
	return story{"Import the price list of Nordholz", "feature", "New supplier. Same as Bauer and Ferreira, every night.", s}
}

func leftBackups(retry bool) story {
	s := &script{}
	s.status("Started on branch shop-114, worktree is clean")
	s.think("The disk of the database machine fills up. The nightly backup writes to a temporary file; perhaps it stays when the upload fails.")
	s.tools(read("scripts/backup.sh", 20*time.Millisecond, `#!/bin/sh
set -e
file=$(mktemp /var/tmp/shop-XXXXXX.sql.gz)
pg_dump shop | gzip > "$file"
rclone copy "$file" offsite:backups/
rm "$file"
`))
	s.cost(2980, 210, 0)
	s.say("Found it: with `set -e` the script ends at a failed upload, before `rm`. The file stays for ever.")
	if retry {
		s.tools(edit("scripts/backup.sh",
			"file=$(mktemp /var/tmp/shop-XXXXXX.sql.gz)\n",
			"file=$(mktemp /var/tmp/shop-XXXXXX.sql.gz)\ntrap 'rm -f \"$file\"' EXIT\n"))
		s.tools(edit("scripts/backup.sh", "rclone copy \"$file\" offsite:backups/\nrm \"$file\"\n", "rclone copy \"$file\" offsite:backups/\n"))
		s.tools(shell("sh -n scripts/backup.sh && sh test/backup_fails.sh", 2100*time.Millisecond,
			"upload fails: exit code 1, nothing left in /var/tmp\nupload works: exit code 0, nothing left in /var/tmp\n"))
		s.cost(1720, 330, 3110)
		s.say("The file is now removed however the script ends. `test/backup_fails.sh` tries both ways.")
		s.complete(eventlog.Succeeded, "done, both ways tested")
	} else {
		s.tools(shell("sh test/backup_fails.sh", 3*time.Second, "waiting for lock on /var/tmp/shop.lock …\n").broken())
	}
	return story{"Nightly backup leaves files in /var/tmp", "bug", "The disk of db-1 was full again on Sunday. 41 files of 2 GB each.", s}
}

func unusedIndex() story {
	s := &script{}
	s.status("Started on branch shop-117, worktree is clean")
	s.tools(shell("psql -f scripts/index_usage.sql", 700*time.Millisecond,
		"         index          |  size  | scans\n------------------------+--------+---------\n orders_created_at_idx  | 212 MB | 1840221\n orders_coupon_code_idx | 388 MB |       0\n"))
	s.think("orders_coupon_code_idx has never been used since the statistics were reset in March. The queries by coupon go through the coupons table.")
	s.tools(search("coupon_code", "**/*.sql", 110*time.Millisecond,
		"migrations/0031_coupons.sql:9:CREATE INDEX orders_coupon_code_idx ON orders (coupon_code);\nqueries/coupons.sql:4:WHERE coupons.code = $1"))
	s.cost(3640, 260, 0)
	s.tools(call{
		tool: "write_file", took: 30 * time.Millisecond, output: "Wrote 1 line to migrations/0058_drop_coupon_index.sql",
		args: args{"path", "migrations/0058_drop_coupon_index.sql", "content", "DROP INDEX CONCURRENTLY IF EXISTS orders_coupon_code_idx;\n"},
	})
	s.tools(shell("make migrate-test", 2600*time.Millisecond, "applied 58 migrations in 1.9s\nok\n"))
	s.cost(980, 170, 3900)
	s.comment("Nice, that is 388 MB less in every backup.")
	s.say("Migration 0058 drops `orders_coupon_code_idx`: 388 MB, never used. `CONCURRENTLY`, so orders go on meanwhile.")
	s.complete(eventlog.Succeeded, "done, migrations run")
	return story{"Drop the index on coupon codes", "chore", "Is it used at all? If not, drop it.", s}
}
