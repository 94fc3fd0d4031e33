package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/router/client"
)

// The scripts ask jrweb complete what may stand where the cursor is. None of them
// evaluates what was typed.
var (
	//go:embed completion/jrweb.bash
	bashCompletion string
	//go:embed completion/jrweb.zsh
	zshCompletion string
	//go:embed completion/jrweb.fish
	fishCompletion string
)

func completionCommand() *cli.Command {
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	return &cli.Command{
		Name: "completion", Usage: "print a script that completes commands, flags and tasks in a shell", ArgsUsage: "SHELL",
		Description: "SHELL is bash, zsh or fish. Tasks are those of the server that JRWEB_URL, or -url in the line, names.\n" +
			"In bash and zsh: source <(jrweb completion bash)\n" +
			"In fish: jrweb completion fish | source",
		ArgValidator: operands("SHELL"),
		Action: func(_ context.Context, c *cli.Command) error {
			script, ok := scripts[c.Args().First()]
			if !ok {
				return usagef("there is no completion for %q: it is for bash, zsh and fish", c.Args().First())
			}
			_, err := fmt.Fprint(c.Root().Writer, script)
			return err
		},
	}
}

// completeCommand is for the scripts: its operands are the words of a line up to the
// cursor, the last one unfinished. It prints a line for each word that could stand there,
// with what it means behind a tab.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name: "complete", Hidden: true, SkipFlagParsing: true, HideHelp: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			for _, s := range suggestions(ctx, c.Root(), c.Args().Slice()) {
				if _, err := fmt.Fprintf(c.Root().Writer, "%s\t%s\n", s.word, cell(s.about)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// suggestion is a word that could stand where the cursor is.
type suggestion struct{ word, about string }

// suggestions are the words that could be the last of some.
func suggestions(ctx context.Context, root *cli.Command, words []string) []suggestion {
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	if len(words) == 1 {
		if strings.HasPrefix(last, "-") {
			return flagSuggestions(root, last)
		}
		return commandSuggestions(root, last)
	}
	command := root.Command(words[0])
	if command == nil {
		return nil
	}
	l := readTyped(command, words[1:len(words)-1])
	flag, value, assigned := strings.Cut(strings.TrimLeft(last, "-"), "=")
	switch isFlag := !l.literal && strings.HasPrefix(last, "-"); {
	case l.waits != "":
		return l.values(ctx, command, l.waits, "", last)
	case isFlag && assigned:
		return l.values(ctx, command, flag, strings.TrimSuffix(last, value), value)
	case isFlag:
		return flagSuggestions(command, last)
	}
	kinds := strings.Fields(command.ArgsUsage)
	if l.operands >= len(kinds) {
		return nil
	}
	switch strings.Trim(kinds[l.operands], "[]") {
	case "TASK":
		return l.tasks(ctx, "", last)
	case "COMMAND":
		return commandSuggestions(root, last)
	case "SHELL":
		return starting("", last, "bash", "zsh", "fish")
	}
	return nil
}

// typed is what the words before the cursor say.
type typed struct {
	flags    map[string]string
	waits    string // the flag whose value comes next
	operands int
	literal  bool // no flags come any more
}

func readTyped(command *cli.Command, words []string) typed {
	l := typed{flags: map[string]string{}}
	for _, word := range words {
		switch {
		case l.waits != "":
			l.flags[l.waits], l.waits = word, ""
		case l.literal, !strings.HasPrefix(word, "-"), word == "-":
			l.operands++
		case word == "--":
			l.literal = true
		default:
			name, value, assigned := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if assigned {
				l.flags[name] = value
			} else if takesValue(command, name) {
				l.waits = name
			}
		}
	}
	return l
}

func takesValue(command *cli.Command, name string) bool {
	for _, f := range command.Flags {
		if doc, ok := f.(cli.DocGenerationFlag); ok && f.Names()[0] == name {
			return doc.TakesValue()
		}
	}
	return false
}

// values are those of a flag, with what is to stand before them.
func (l typed) values(ctx context.Context, command *cli.Command, flag, before, begin string) []suggestion {
	if flag == "task" {
		return l.tasks(ctx, before, begin)
	}
	for _, f := range command.Flags {
		if e, ok := f.(*cli.StringFlag); ok && e.Name == flag {
			if _, values, ok := strings.Cut(e.Usage, enumValues); ok {
				return starting(before, begin, strings.Split(values, ", ")...)
			}
		}
	}
	return nil
}

func starting(before, begin string, words ...string) (found []suggestion) {
	for _, word := range words {
		if strings.HasPrefix(word, begin) {
			found = append(found, suggestion{word: before + word})
		}
	}
	return found
}

// How long a person waits for suggestions, and how many tasks are looked at and shown.
const (
	completionPatience = 2 * time.Second
	mostLookedAt       = 2000
	mostSuggested      = 200
)

// tasks are those of the server that the line or the environment names, the newest
// activity first. A server that does not answer has none.
func (l typed) tasks(ctx context.Context, before, begin string) (found []suggestion) {
	setting := func(flag, otherwise string) string {
		if value, ok := l.flags[flag]; ok {
			return value
		}
		if value, ok := env(flag).Chain[0].Lookup(); ok {
			return value
		}
		return otherwise
	}
	server, err := client.New(setting("url", defaultURL), &client.Options{Token: setting(tokenFlag, "")})
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	seen := 0
	for task, err := range server.Tasks(ctx) {
		if seen++; err != nil || seen > mostLookedAt || len(found) == mostSuggested {
			break
		}
		if strings.HasPrefix(task.ID, begin) {
			found = append(found, suggestion{before + task.ID, task.Title})
		}
	}
	return found
}

func commandSuggestions(root *cli.Command, begin string) (found []suggestion) {
	for _, c := range root.VisibleCommands() {
		if strings.HasPrefix(c.Name, begin) {
			found = append(found, suggestion{c.Name, c.Usage})
		}
	}
	return found
}

// flagSuggestions are flags with one dash or two, as they were begun.
func flagSuggestions(command *cli.Command, begin string) (found []suggestion) {
	name := strings.TrimLeft(begin, "-")
	dashes := begin[:min(len(begin)-len(name), 2)]
	for _, f := range command.VisibleFlags() {
		if doc, ok := f.(cli.DocGenerationFlag); ok && strings.HasPrefix(f.Names()[0], name) {
			found = append(found, suggestion{dashes + f.Names()[0], doc.GetUsage()})
		}
	}
	return found
}
