package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page",
		Description:  "To read it: jrweb man | man -l -",
		ArgValidator: operands(),
		Action: func(_ context.Context, c *cli.Command) error {
			return writeManual(c.Root().Writer, c.Root())
		},
	}
}

// writeManual writes the manual page of all commands, in the language of man(7).
func writeManual(w io.Writer, root *cli.Command) error {
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, ".SH %s\n", name) }
	fmt.Fprintf(&b, ".TH JRWEB 1 \"\" %q \"User Commands\"\n", "jrweb "+version())
	section("NAME")
	fmt.Fprintf(&b, "jrweb \\- %s\n", roff(root.Usage))
	section("SYNOPSIS")
	b.WriteString(".B jrweb\n.I COMMAND\n[\\fIFLAG\\fR…] [\\fIOPERAND\\fR…]\n")
	section("COMMANDS")
	for _, c := range root.VisibleCommands() {
		fmt.Fprintf(&b, ".SS \"jrweb %s %s\"\n%s.\n", c.Name, roff(c.ArgsUsage), roff(c.Usage))
		if c.Description != "" {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(c.Description))
		}
		for _, f := range c.VisibleFlags() {
			doc, ok := f.(cli.DocGenerationFlag)
			if !ok {
				continue
			}
			fmt.Fprintf(&b, ".TP\n.B \\-%s\n%s", roff(strings.Join(f.Names(), ", -")), roff(doc.GetUsage()))
			if text := doc.GetDefaultText(); text != "" && text != `""` && text != "false" && doc.TakesValue() {
				fmt.Fprintf(&b, " (default: %s)", roff(text))
			}
			if names := doc.GetEnvVars(); len(names) > 0 {
				fmt.Fprintf(&b, " [%s]", roff(strings.Join(names, ", ")))
			}
			b.WriteString("\n")
		}
	}
	section("EXIT STATUS")
	b.WriteString("0 done, 1 failed, 2 not understood, 3 the database is held by another process, 4 it is damaged, 5 the storage failed. " +
		"run exits as its command does, search as grep does.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// roff is text that means nothing but itself to man.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
