package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/urfave/cli/v3"
)

func openCommand() *cli.Command {
	return &cli.Command{
		Name: "open", Usage: "open the page of a task, or of all tasks, in the browser", ArgsUsage: "[TASK]",
		Description:  "The browser is the one in BROWSER, or the desktop's. The address is printed as well.",
		Flags:        clientFlags(),
		ArgValidator: optionalOperand("TASK"),
		Action:       openPage,
	}
}

func openPage(ctx context.Context, c *cli.Command) error {
	if _, err := connect(c); err != nil {
		return err
	}
	if strings.HasPrefix(c.String("url"), unixPrefix) {
		return errors.New("open: a browser cannot use a Unix socket: name another server with -url or JRWEB_URL")
	}
	address, err := url.Parse(strings.TrimSuffix(c.String("url"), "/") + "/")
	if err != nil {
		return usagef("-url: %v", err)
	}
	if c.Args().Present() {
		task, err := taskOf(c.Args().First())
		if err != nil {
			return err
		}
		address = address.JoinPath("tasks", task)
	}
	if _, err := fmt.Fprintln(c.Root().Writer, address); err != nil {
		return err
	}
	browser := exec.CommandContext(ctx, browserName(), address.String())
	browser.Env = childEnv()
	if out, err := browser.CombinedOutput(); err != nil {
		return fmt.Errorf("open: no browser was opened: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func browserName() string {
	switch {
	case os.Getenv("BROWSER") != "":
		return os.Getenv("BROWSER")
	case runtime.GOOS == "darwin":
		return "open"
	}
	return "xdg-open"
}
