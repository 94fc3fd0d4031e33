// Command package makes a Debian package of nfpm.yaml, whose variables the environment
// fills in: scripts/package runs it. It is nfpm's library without its other formats, which
// would be most of what is to be built.
//
//	cd deploy/package && VERSION=1.2.3 ARCH=amd64 BINARY=… MADE=… go run . -config nfpm.yaml -root ../.. -out ../../dist
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
)

func main() {
	config := flag.String("config", "nfpm.yaml", "what the package holds")
	root := flag.String("root", ".", "the folder in which the files of the package lie")
	out := flag.String("out", ".", "the folder for the package")
	flag.Parse()
	if err := build(*config, *root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func build(config, root, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	c, err := nfpm.ParseFileWithEnvMapping(config, os.Getenv)
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	info := nfpm.WithDefaults(&c.Info)
	path := filepath.Join(out, deb.Default.ConventionalFileName(info))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := deb.Default.Package(info, f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}
