package streaming

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// profiles is a folder for profiles, or empty.
var profiles string

// Flags adds the flags of this package.
func Flags(flags *flag.FlagSet) {
	flags.StringVar(&profiles, "profiles", "", "an existing folder for processor profiles of the streaming servers, one a process: to find out why, not to measure")
}

// profile begins a profile of this process. stop ends it.
func profile(folder, kind string) (stop func() error, err error) {
	if folder == "" {
		return func() error { return nil }, nil
	}
	name := fmt.Sprintf("%s-%d.pprof", strings.ReplaceAll(kind, "/", "-"), os.Getpid())
	file, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
