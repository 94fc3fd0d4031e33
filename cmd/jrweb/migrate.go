package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/store"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name: "migrate", Usage: "move a database into a cluster, or back into a file",
		Description: "-to cluster makes a cluster of -db, whose stream must not have a log yet: start its servers afterwards,\n" +
			"each with a -db of its own. -to file makes a new database, -db, of what a cluster holds, while none of its\n" +
			"servers runs. Both take the flags of jrweb serve for clusters.\n\n" +
			"What is moved is checked, and compared by count and hash. What it is moved from stays as it is, and\n" +
			"must not be used any more: it would go on as another log. If it is broken off, do it again: it goes on.\n\n" +
			"With -cluster-embedded, migrate takes the place of one server, while the others run: they are started\n" +
			"with -cluster-join when a database is moved in.",
		Flags: slices.Concat([]cli.Flag{
			enumFlag("to", "where to move it", toCluster, toFile),
			dbFlag("the database file that is moved, or the new one"),
		}, clusterFlags()),
		ArgValidator: operands(),
		Action:       migrate,
	}
}

const (
	toCluster = "cluster"
	toFile    = "file"
)

func migrate(ctx context.Context, c *cli.Command) error {
	if !c.IsSet("to") {
		return usagef("where to? -to %s or -to %s", toCluster, toFile)
	}
	cluster, err := readCluster(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if cluster == nil {
		return usagef("which cluster? give -cluster or -cluster-embedded, as to jrweb serve")
	}
	do := migrateIn
	if c.String("to") == toFile {
		do = migrateOut
	}
	return do(ctx, c, cluster)
}

// migrateIn moves a database into a cluster.
func migrateIn(ctx context.Context, c *cli.Command, cluster *clusterSettings) error {
	db := c.String("db")
	bar := newProgressBar(c.Root().ErrWriter, "check")
	figures, err := dbfile.Check(ctx, db, &dbfile.CheckOptions{Progress: bar.show})
	bar.end()
	if err != nil {
		return explainFile(err)
	}
	url, running, err := cluster.reach(ctx)
	if err != nil {
		return err
	}
	defer running.Close()
	cluster.options.Verify, cluster.options.Join = verifyDatabase, false
	sum, err := clusterstore.Begin(ctx, db, url, cluster.stream, &cluster.options)
	switch {
	case errors.Is(err, clusterstore.ErrOtherLog):
		return fmt.Errorf("%w: choose another -cluster-stream", err)
	case errors.Is(err, store.ErrReplica):
		return fmt.Errorf("%w: it belongs to a cluster already", err)
	case err != nil:
		return explainFile(err)
	}
	fmt.Fprintf(c.Root().Writer, "%s is in the stream %s: %s; %v, the same in both\n"+
		"start each server of the cluster with a -db of its own; nothing may use %s any more\n",
		db, cluster.stream, describe(figures), sum, db)
	return nil
}

// migrateOut moves a cluster into a database.
func migrateOut(ctx context.Context, c *cli.Command, cluster *clusterSettings) error {
	db := c.String("db")
	url, running, err := cluster.reach(ctx)
	if err != nil {
		return err
	}
	defer running.Close()
	var figures dbfile.Figures
	cluster.options.Verify = func(ctx context.Context, path string) (err error) {
		figures, err = dbfile.Check(ctx, path, nil)
		return err
	}
	sum, err := clusterstore.Extract(ctx, db, url, cluster.stream, &cluster.options)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: it is never overwritten: choose another -db, or move it away", err)
	case err != nil:
		return explainReplica(err)
	}
	fmt.Fprintf(c.Root().Writer, "%s: %s; %v, the same in both\nstart jrweb serve -db %s; no server of the cluster may be started again\n",
		db, describe(figures), sum, db)
	return nil
}
