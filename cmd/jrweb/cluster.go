package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/engine"
	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/dbfile"
)

// clusterSettings say which cluster the log is one replica of.
type clusterSettings struct {
	url      string          // of the engine, if none runs here
	stream   string          // in which all commits are
	embedded *engine.Options // the server of the engine that runs here, nil if none does
	options  clusterstore.Options
}

// In a cluster a commit is one message of the engine. So the limits of requests are lower.
const (
	clusterEventBytes   = 2 << 20
	clusterRequestBytes = 4 << 20
)

// clusterWait is how long the cluster may be silent at the start before somebody is told.
const clusterWait = 10 * time.Second

// minSecretBytes keeps a secret from being guessed.
const minSecretBytes = 16

func clusterFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("cluster", "", "share one log with other servers, through these NATS servers: nats://HOST:4222, several with commas between; -db is then the replica of this server"),
		stringFlag("cluster-stream", "jrweb", "the JetStream stream that has the log, made if there is none"),
		&cli.IntFlag{Name: "cluster-replicas", Value: 3, Usage: "how many servers keep the stream, when it is made: 1, 3 or 5", Sources: env("cluster-replicas"), OnlyOnce: true},
		boolFlag("cluster-join", "never make the stream: wait until there is one, as jrweb migrate makes it"),
		&cli.Int64Flag{Name: "cluster-snapshot-bytes", Value: 256 << 20, Usage: "make a snapshot after so many bytes of commits, and a quarter of the file at least; the stream keeps about twice as much", Sources: env("cluster-snapshot-bytes"), OnlyOnce: true},
		stringFlag("cluster-creds", "", "what we prove ourselves to NATS with: a file of credentials (.creds), or with the seed of an nkey"),
		stringFlag("cluster-system-url", "", "the same NATS servers as a user of their system account: it is asked whether they sync before they acknowledge"),
		stringFlag("cluster-ca", "", "the authorities that sign the certificates of the servers of the cluster (PEM file)"),
		stringFlag("cluster-cert", "", "our certificate for the cluster (PEM file)"),
		stringFlag("cluster-key", "", "the key of -cluster-cert (PEM file)"),
		stringFlag("cluster-embedded", "", "run one of the NATS servers in this process, with what it keeps in this folder; instead of -cluster"),
		stringFlag("cluster-name", "", "the name of this server in the cluster of -cluster-embedded: no other server has it, and it stays the same"),
		stringFlag("cluster-listen", "", "where the other servers of -cluster-embedded connect, host:port"),
		&cli.StringSliceFlag{Name: "cluster-routes", Usage: "where the servers of -cluster-embedded listen, host:port with commas between; may be repeated", Sources: env("cluster-routes")},
		stringFlag("cluster-secret-file", "", "the file with the secret that the servers of -cluster-embedded have in common, at least 16 characters"),
	}
}

// readCluster reads clusterFlags. Nil: the log is that of this server alone.
func readCluster(c *cli.Command, logger *slog.Logger) (*clusterSettings, error) {
	which, err := choice(c, "cluster", "cluster-embedded")
	if err != nil {
		return nil, err
	}
	if which == "" {
		for _, f := range clusterFlags() {
			if name := f.Names()[0]; given(c, name) {
				return nil, usagef("-%s is for -cluster or -cluster-embedded", name)
			}
		}
		return nil, nil
	}
	if given(c, "journal-dir") {
		return nil, usagef("-journal-dir is for a database of its own: the journal of a cluster is its stream")
	}
	s := &clusterSettings{stream: c.String("cluster-stream")}
	s.options = clusterstore.Options{
		Replicas: c.Int("cluster-replicas"), Join: c.Bool("cluster-join"), SnapshotBytes: c.Int64("cluster-snapshot-bytes"), Credentials: c.String("cluster-creds"), SystemURL: c.String("cluster-system-url"), Logger: logger,
	}
	if s.options.Replicas < 1 {
		return nil, usagef("-cluster-replicas must be greater than 0")
	}
	if s.options.SnapshotBytes < 1 {
		return nil, usagef("-cluster-snapshot-bytes must be greater than 0")
	}
	if strings.ContainsAny(s.stream, " \t.*>/\\") {
		return nil, usagef("-cluster-stream %q is no name of a stream: it has no spaces, dots, slashes, * and >", s.stream)
	}
	secured, err := readClusterTLS(c)
	if err != nil {
		return nil, err
	}
	if which == "cluster" {
		s.url, s.options.TLS = c.String("cluster"), secured
		for _, name := range []string{"cluster-name", "cluster-listen", "cluster-routes", "cluster-secret-file"} {
			if given(c, name) {
				return nil, usagef("-%s is for -cluster-embedded", name)
			}
		}
		return s, checkNATSURLs(s.url)
	}
	s.embedded, err = readEmbedded(c, secured, logger)
	s.options.SyncAlways = true
	return s, err
}

// checkNATSURLs does not name a URL that is wrong: it may have a password.
func checkNATSURLs(urls string) error {
	for one := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss" {
			return usagef("-cluster takes addresses like nats://HOST:4222, with commas between")
		}
	}
	return nil
}

// readClusterTLS returns how the servers of a cluster talk, nil for as the URL says, or in the
// clear.
func readClusterTLS(c *cli.Command) (*tls.Config, error) {
	ca, cert, key := c.String("cluster-ca"), c.String("cluster-cert"), c.String("cluster-key")
	if (cert == "") != (key == "") {
		return nil, usagef("-cluster-cert and -cluster-key belong together: give both or none")
	}
	if ca == "" && cert == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("read -cluster-ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("-cluster-ca has no certificate in it")
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("read -cluster-cert and -cluster-key: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// readEmbedded reads what the server of this process is like. Beyond this machine it proves
// who it is, and asks others for the same.
func readEmbedded(c *cli.Command, secured *tls.Config, logger *slog.Logger) (*engine.Options, error) {
	o := &engine.Options{
		Dir: c.String("cluster-embedded"), Name: c.String("cluster-name"), Listen: c.String("cluster-listen"), Routes: c.StringSlice("cluster-routes"),
		TLS: secured, Logger: logger,
	}
	if o.Name == "" || strings.ContainsAny(o.Name, " \t\n") {
		return nil, usagef("-cluster-embedded needs -cluster-name: a name without spaces that no other server of the cluster has")
	}
	if c.Int("cluster-replicas") > 1 && (o.Listen == "" || len(o.Routes) == 0) {
		return nil, usagef("-cluster-embedded needs -cluster-listen and -cluster-routes, so that the servers find each other; a single server is one with -cluster-replicas 1")
	}
	if o.Listen == "" && len(o.Routes) > 0 {
		return nil, usagef("-cluster-routes needs -cluster-listen")
	}
	beyond := false
	for _, addr := range append([]string{o.Listen}, o.Routes...) {
		if addr == "" {
			continue
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, usagef("-cluster-listen and -cluster-routes take host:port, and %q is none", addr)
		}
		ip := net.ParseIP(host)
		beyond = beyond || host != "localhost" && (ip == nil || !ip.IsLoopback())
	}
	if secured != nil {
		if secured.RootCAs == nil || len(secured.Certificates) == 0 {
			return nil, usagef("-cluster-embedded with TLS needs all of -cluster-ca, -cluster-cert and -cluster-key: each server proves who it is")
		}
		secured.ClientCAs, secured.ClientAuth = secured.RootCAs, tls.RequireAndVerifyClientCert
	}
	if c.IsSet("cluster-secret-file") {
		secret, err := os.ReadFile(c.String("cluster-secret-file"))
		if err != nil {
			return nil, fmt.Errorf("read -cluster-secret-file: %w", err)
		}
		if o.Secret = strings.TrimSpace(string(secret)); len(o.Secret) < minSecretBytes {
			return nil, usagef("-cluster-secret-file has fewer than %d characters: openssl rand -hex 32 makes a good one", minSecretBytes)
		}
	}
	if beyond && (o.Secret == "" || secured == nil) {
		return nil, usagef("-cluster-listen or -cluster-routes reaches beyond this machine, where anybody could join or listen: give -cluster-secret-file, -cluster-ca, -cluster-cert and -cluster-key")
	}
	return o, nil
}

// limitForCluster makes the limits of requests those of a cluster.
func (set *settings) limitForCluster(c *cli.Command) error {
	for _, limit := range []struct {
		flag  string
		most  int64
		value int64
		set   func(int64)
	}{
		{"max-event-bytes", clusterEventBytes, int64(set.maxEventBytes), func(n int64) { set.maxEventBytes = int(n) }},
		{"max-request-bytes", clusterRequestBytes, set.maxRequestBytes, func(n int64) { set.maxRequestBytes = n }},
	} {
		switch {
		case !c.IsSet(limit.flag):
			limit.set(limit.most)
		case limit.value > limit.most:
			return usagef("-%s may be %d at most in a cluster, where a commit is one message", limit.flag, limit.most)
		}
	}
	return nil
}

// openLog opens the log of this server, or its replica of the log of a cluster.
func (s *server) openLog(ctx context.Context, o *eventlog.Options) (err error) {
	if s.cluster == nil {
		s.log, err = eventlog.Open(s.db, o)
		return err
	}
	url, running, err := s.cluster.reach(ctx)
	if err != nil {
		return err
	}
	s.engine = running
	silent := time.AfterFunc(clusterWait, func() {
		s.logger.Warn("waiting for the cluster: it must have a majority of its servers", "stream", s.cluster.stream)
	})
	defer silent.Stop()
	s.cluster.options.MaxBytes = s.maxDBBytes
	s.cluster.options.Verify = verifyDatabase
	store, err := clusterstore.Open(ctx, s.db, url, s.cluster.stream, &s.cluster.options)
	if err != nil {
		s.engine.Close()
		return err
	}
	if s.log, err = eventlog.New(store, o); err != nil {
		err = errors.Join(err, store.Close())
		s.engine.Close()
	}
	return err
}

// reach returns the URL of the engine. If it runs here, reach starts it.
func (s *clusterSettings) reach(ctx context.Context) (url string, running *engine.Engine, err error) {
	if s.embedded == nil {
		return s.url, nil, nil
	}
	if running, err = engine.Start(ctx, *s.embedded); err != nil {
		return "", nil, err
	}
	return running.URL(), running, nil
}

// verifyDatabase checks what is to become the file of other servers.
func verifyDatabase(ctx context.Context, path string) error {
	_, err := dbfile.Check(ctx, path, nil)
	return err
}
