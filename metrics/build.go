package metrics

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// modulePath is the path of jrweb in the build information of a program.
const modulePath = "jrweb"

// newBuildInfo returns the metric with the version of jrweb.
func newBuildInfo() prometheus.Collector {
	info, _ := debug.ReadBuildInfo() // nil without module support
	version, revision := buildOf(info)
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help:        "Always 1; the labels say which version runs, and which Go and which commit it was built from.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version(), "revision": revision},
	})
	g.Set(1)
	return g
}

// buildOf returns the version of jrweb in a build, and the commit. The commit is known only
// if jrweb is the main module, not in a program that embeds it.
func buildOf(info *debug.BuildInfo) (version, revision string) {
	if info != nil {
		if info.Main.Path == modulePath {
			version = info.Main.Version
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					revision = s.Value
				}
			}
		}
		for _, dep := range info.Deps {
			if dep.Path == modulePath {
				version = dep.Version
			}
		}
	}
	return cmp.Or(version, "unknown"), cmp.Or(revision, "unknown")
}
