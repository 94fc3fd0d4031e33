// Jrweb records what AI agents do and streams it live:
//
//	jrweb serve
//	jrweb append -task t-1 < events.ndjson
//	jrweb tail t-1
//
// jrweb -help lists all commands, jrweb COMMAND -help the flags of one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program except for its signals, which end ctx. It returns the exit code, and
// has written the error, one line, to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	began := false
	err := root(stdin, stdout, stderr, &began).Run(ctx, append([]string{"jrweb"}, args...))
	_, passedOn := errors.AsType[childExit](err)
	_, silent := errors.AsType[silentExit](err)
	if err != nil && !passedOn && !silent {
		fmt.Fprintf(stderr, "jrweb: %s\n", visible(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	return exitCode(err, began)
}
