package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/webhook"
	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/router"
)

const defaultAddr = "127.0.0.1:7070"

// minMaxDBBytes keeps the limit of a database well above what its own
// housekeeping needs.
const minMaxDBBytes = 64 << 20

func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "run the server",
		Flags: slices.Concat([]cli.Flag{
			stringFlag("addr", defaultAddr, "listen here; port 0 picks a free one, unix:PATH is a Unix socket, systemd the socket that it gives us"),
			stringFlag("db", "jr.db", "the database file, made if there is none"),
			stringFlag("journal-dir", "", "keep the journal of the database in this directory, which may be on another device; empty: beside the file"),
			boolFlag("insecure", "listen beyond this machine, for everybody"),
			&cli.StringSliceFlag{Name: "allowed-host", Usage: "answer to this name, IP address or network (CIDR) beside loopback; may be repeated", Sources: env("allowed-host")},
			&cli.StringSliceFlag{Name: "cors-origin", Usage: "let the pages of this origin, https://app.example.org, read and write with a token; may be repeated", Sources: env("cors-origin")},
			&cli.DurationFlag{Name: "heartbeat", Value: 15 * time.Second, Usage: "silence of a stream after which a comment is sent", Sources: env("heartbeat"), OnlyOnce: true},
			&cli.DurationFlag{Name: "poll-interval", Value: 500 * time.Millisecond, Usage: "how often a stream looks whether it missed a wake-up", Sources: env("poll-interval"), OnlyOnce: true},
			&cli.DurationFlag{Name: "write-timeout", Value: 10 * time.Second, Usage: "disconnect a client that takes nothing for so long", Sources: env("write-timeout"), OnlyOnce: true},
			&cli.IntFlag{Name: "max-streams", Value: 10_000, Usage: "how many streams may be open", Sources: env("max-streams"), OnlyOnce: true},
			&cli.IntFlag{Name: "max-event-bytes", Value: 4 << 20, Usage: "how large the data of an event may be", Sources: env("max-event-bytes"), OnlyOnce: true},
			&cli.Int64Flag{Name: "max-request-bytes", Value: 32 << 20, Usage: "how large the body of a request may be", Sources: env("max-request-bytes"), OnlyOnce: true},
			&cli.Int64Flag{Name: "request-budget", Value: 256 << 20, Usage: "how many bytes the bodies of all requests may take together", Sources: env("request-budget"), OnlyOnce: true},
			&cli.Int64Flag{Name: "max-db-bytes", Usage: "how much of the database may be in use before appends are refused, at least 67108864 (64 MiB); 0: no limit", Sources: env("max-db-bytes"), OnlyOnce: true},
			boolFlag("redact", "replace what has the shape of a secret before it is appended"),
			stringFlag("tls-cert", "", "serve TLS with this certificate (PEM file)"),
			stringFlag("tls-key", "", "the key of -tls-cert (PEM file)"),
			pricesFlag(),
			budgetFlag("warn when more US dollars are spent in a day, week or month, such as 50/day: a metric, the pages and -webhook say so"),
			stringFlag("webhook", "", "tell this URL, by POST, when a task ends or waits for a person, or a -budget is spent"),
			stringFlag("webhook-key", "", "the file with the key that signs what -webhook sends, made if there is none (default: the database file and .webhook)"),
			&cli.BoolFlag{Name: "log-requests", Value: true, Usage: "log a line for each request: who, what, how long", Sources: env("log-requests"), OnlyOnce: true},
			stringFlag("metrics-addr", "", "serve metrics and health at this address as well, without signing in"),
		}, clusterFlags(), accessFlags(), retentionFlags(), logFlags()),
		ArgValidator: operands(),
		Action:       serve,
	}
}

func serve(ctx context.Context, c *cli.Command) error {
	set, err := readSettings(ctx, c)
	if err != nil {
		return err
	}
	s, err := openServer(ctx, set)
	switch {
	case err != nil && set.cluster != nil && ctx.Err() != nil:
		set.logger.Info("ended before the cluster answered", "error", err)
		return nil
	case err != nil && set.cluster != nil:
		return explainReplica(err)
	case err != nil:
		return explainOpen(err)
	}
	if c.Bool("insecure") && set.access == nil {
		s.logger.Warn("everybody who can reach this address may read and write", "addr", s.listener.Addr().String())
	}
	s.logger.Info("serving", "url", s.url(), "db", s.db, "version", version())
	fmt.Fprintf(c.Root().Writer, "jrweb: listening on %s\n", s.url())
	return s.serve(ctx)
}

// readSettings reads the flags and checks what can be checked before anything is done.
func readSettings(ctx context.Context, c *cli.Command) (settings, error) {
	set := settings{
		db:              c.String("db"),
		journalDir:      c.String("journal-dir"),
		allowedHosts:    c.StringSlice("allowed-host"),
		origins:         c.StringSlice("cors-origin"),
		heartbeat:       c.Duration("heartbeat"),
		pollInterval:    c.Duration("poll-interval"),
		writeTimeout:    c.Duration("write-timeout"),
		maxStreams:      c.Int("max-streams"),
		maxEventBytes:   c.Int("max-event-bytes"),
		maxRequestBytes: c.Int64("max-request-bytes"),
		requestBudget:   c.Int64("request-budget"),
		maxDBBytes:      c.Int64("max-db-bytes"),
		redact:          c.Bool("redact"),
		logger:          newLogger(c),
	}
	if c.Bool("log-requests") {
		set.requests = set.logger
	}
	var err error
	if set.cluster, err = readCluster(c, set.logger); err != nil {
		return set, err
	}
	if set.cluster != nil {
		if err := set.limitForCluster(c); err != nil {
			return set, err
		}
	}
	for _, limit := range []struct {
		flag     string
		positive bool
	}{
		{"heartbeat", set.heartbeat > 0}, {"poll-interval", set.pollInterval > 0}, {"write-timeout", set.writeTimeout > 0},
		{"max-streams", set.maxStreams > 0}, {"max-event-bytes", set.maxEventBytes > 0}, {"max-request-bytes", set.maxRequestBytes > 0},
		{"request-budget", set.requestBudget > 0},
	} {
		if !limit.positive {
			return set, usagef("-%s must be greater than 0", limit.flag)
		}
	}
	if set.requestBudget < 2*set.maxRequestBytes {
		return set, usagef("-request-budget must be at least twice -max-request-bytes, %d: a body needs so much while it grows", 2*set.maxRequestBytes)
	}
	if set.maxDBBytes != 0 && set.maxDBBytes < minMaxDBBytes {
		return set, usagef("-max-db-bytes must be 0, for no limit, or at least %d", int64(minMaxDBBytes))
	}
	if set.retention, err = readRetention(c); err != nil {
		return set, err
	}
	if set.prices, err = readPrices(c); err != nil {
		return set, err
	}
	if set.budget, err = readBudget(c); err != nil {
		return set, err
	}
	if set.webhook, err = readWebhook(c, set.logger); err != nil {
		return set, err
	}
	// The router knows what an allowed host is. It does not touch the log.
	if _, err := router.New(nil, nil, &router.Options{AllowedHosts: set.allowedHosts}); err != nil {
		return set, usagef("-allowed-host: %w", err)
	}
	if _, err := router.New(nil, nil, &router.Options{Origins: set.origins}); err != nil {
		return set, usagef("-cors-origin: %w", err)
	}
	cert, key := c.String("tls-cert"), c.String("tls-key")
	if (cert == "") != (key == "") {
		return set, usagef("-tls-cert and -tls-key belong together: give both or none")
	}
	if set.access, err = readAccess(c); err != nil {
		return set, err
	}
	if set.access != nil && set.cluster != nil && set.access.KeyFile == "" {
		return set, usagef("-auth-key is required in a cluster: the servers need copies of one file, or who signed in at one is a stranger to the others; head -c 32 /dev/urandom makes it")
	}
	if set.addr, err = resolve(ctx, c.String("addr"), mayBeyond(c, set.access)); err != nil {
		return set, err
	}
	if c.IsSet("metrics-addr") {
		set.metricsAddr, err = resolve(ctx, c.String("metrics-addr"), c.Bool("insecure"))
		if errors.Is(err, errBeyond) {
			return set, usagef("-metrics-addr %s reaches beyond this machine, and asks nobody who they are: listen on 127.0.0.1, let Prometheus read /metrics of -addr with a token, or add -insecure", c.String("metrics-addr"))
		}
		if err != nil {
			return set, err
		}
	}
	if cert != "" {
		if set.certificate, err = openCertificate(cert, key, set.logger); err != nil {
			return set, err
		}
	}
	return set, nil
}

// readWebhook returns whom to tell what people wait for, nil for nobody.
func readWebhook(c *cli.Command, logger *slog.Logger) (*webhook.Options, error) {
	if !c.IsSet("webhook") {
		if given(c, "webhook-key") {
			return nil, usagef("-webhook-key is for -webhook: it signs what that sends")
		}
		return nil, nil
	}
	if err := webhook.CheckURL(c.String("webhook")); err != nil {
		return nil, usagef("-webhook: %v", err)
	}
	key, err := webhook.OpenKey(cmp.Or(c.String("webhook-key"), c.String("db")+".webhook"))
	if err != nil {
		return nil, err
	}
	return &webhook.Options{URL: c.String("webhook"), Key: key, Logger: logger}, nil
}

// explainOpen adds to an error of openServer what to do about it.
func explainOpen(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrHeld):
		return fmt.Errorf("%w: stop that one, or choose another -db", err)
	case errors.Is(err, eventlog.ErrDamaged):
		return fmt.Errorf("%w: it was left untouched: put a copy in its place, or choose another -db", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w: choose another -db, a file in a folder that exists", err)
	}
	return err
}

// strayed is the error of a replica that does not belong to its stream, or cannot read it. The
// storage works, so a restart would mend nothing.
type strayed struct{ error }

// Is makes it damage for the caller that starts the server.
func (strayed) Is(target error) bool { return target == eventlog.ErrDamaged }

// explainReplica is explainOpen for a replica of a cluster.
func explainReplica(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrHeld):
		return fmt.Errorf("%w: each server of a cluster has a -db of its own", err)
	case errors.Is(err, eventlog.ErrDamaged), errors.Is(err, eventlog.ErrFormat):
		return strayed{fmt.Errorf("%w: nothing was changed: docs/cluster.md says what to do with a replica that stops", err)}
	case errors.Is(err, clusterstore.ErrBehind):
		return fmt.Errorf("%w: start again", err)
	case errors.Is(err, eventlog.ErrFailed):
		return fmt.Errorf("%w: see to the disk, then start again: what was acknowledged is there", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w: choose another -db, a file in a folder that exists", err)
	}
	return err
}

func logFlags() []cli.Flag {
	return []cli.Flag{
		enumFlag("log-format", "the form of the log on standard error", "text", "json"),
		enumFlag("log-level", "what to log", "info", "debug", "warn", "error"),
	}
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func newLogger(c *cli.Command) *slog.Logger {
	return slog.New(logHandler(c.Root().ErrWriter, c.String("log-format"), logLevels[c.String("log-level")]))
}

func logHandler(w io.Writer, format string, level slog.Level) slog.Handler {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: visibleAttr}
	if format == "json" {
		return slog.NewJSONHandler(w, o)
	}
	return slog.NewTextHandler(w, o)
}

// visibleAttr keeps what clients say from acting on the terminal that shows the log.
// Both forms escape some of it, and neither all.
func visibleAttr(_ []string, a slog.Attr) slog.Attr {
	text := ""
	switch value := a.Value.Any().(type) {
	case string:
		text = value
	case error:
		text = value.Error()
	default:
		return a
	}
	return slog.String(a.Key, visible(text))
}
