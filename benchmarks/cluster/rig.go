package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/report"
	"jrweb/eventlog"
)

// nodes are as many as a cluster has that may lose one.
const nodes = 3

// rig is a cluster, or the log of one file.
type rig struct {
	engine   *engine // nil: one file
	dir      string
	replicas []*child.Worker // nil: it was killed
	at       []string        // the address of each
	sessions []eventlog.SessionID
}

// on measures with a cluster of so many nodes (0: one file), in which the first replica has
// started so many sessions, and all others know them.
func on(nodes, sessions int, measure func(context.Context, report.Round, *rig) (report.Figures, error)) func(context.Context, report.Round) (report.Figures, error) {
	return func(ctx context.Context, r report.Round) (figures report.Figures, err error) {
		g := &rig{dir: r.Dir}
		defer func() { err = errors.Join(err, g.stop()) }()
		if nodes > 0 {
			if g.engine, err = startEngine(ctx, r.Dir, nodes); err != nil {
				return nil, err
			}
		}
		for i := range max(nodes, 1) {
			g.replicas, g.at = append(g.replicas, nil), append(g.at, "")
			if _, err := g.open(ctx, i); err != nil {
				return nil, err
			}
			if i > 0 {
				if err := g.replicas[i].Ask(ctx, "adopt", g.sessions, nil); err != nil {
					return nil, err
				}
				continue
			}
			if err := g.replicas[0].Ask(ctx, "start", sessions, &g.sessions); err != nil {
				return nil, err
			}
			if nodes > 1 {
				if err := g.engine.leadAtFirst(ctx); err != nil {
					return nil, err
				}
			}
		}
		return measure(ctx, r, g)
	}
}

// open starts a replica that does not run.
func (g *rig) open(ctx context.Context, i int) (opened, error) {
	return g.openWith(ctx, i, openQuestion{})
}

func (g *rig) openWith(ctx context.Context, i int, q openQuestion) (o opened, err error) {
	url, servers := "", 0
	if g.engine != nil {
		url, servers = g.engine.servers[i].Ready, len(g.engine.servers)
	}
	if g.replicas[i], err = child.Hire(replicaCommand, g.path(i), url, strconv.Itoa(servers)); err != nil {
		return o, err
	}
	err = g.replicas[i].Ask(ctx, "open", q, &o)
	g.at[i] = o.Address
	return o, err
}

func (g *rig) path(i int) string { return filepath.Join(g.dir, fmt.Sprintf("jr-%d.db", i)) }

// lose ends a replica and removes its file.
func (g *rig) lose(i int) error { return errors.Join(g.close(i), os.Remove(g.path(i))) }

// close ends a replica.
func (g *rig) close(i int) error {
	w := g.replicas[i]
	g.replicas[i] = nil
	return w.Stop()
}

// kill ends a replica as a crash would.
func (g *rig) kill(i int) error {
	w := g.replicas[i]
	g.replicas[i] = nil
	return w.Kill()
}

func (g *rig) stop() error {
	var errs []error
	for i, w := range g.replicas {
		if w != nil {
			errs = append(errs, g.close(i))
		}
	}
	if g.engine != nil {
		errs = append(errs, g.engine.stop())
	}
	return errors.Join(errs...)
}
