package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

// hookEvents are what the settings of [printHooks] have Claude Code tell: what stands in its
// transcript too, as it happens, and that it waits for a person.
var hookEvents = []string{
	"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied",
	"Notification", "Stop", "StopFailure", "SessionEnd",
}

// hookSeconds is how long Claude Code waits for the answer. It goes on without it.
const hookSeconds = 2

// hookSettings are a part of Claude Code's settings.json. They name no person and no machine:
// those of one are good for everybody.
type hookSettings struct {
	Hooks map[string][]hookMatcher `json:"hooks"`
}

type hookMatcher struct {
	Hooks []httpHook `json:"hooks"`
}

type httpHook struct {
	Type           string            `json:"type"`
	URL            string            `json:"url"`
	Timeout        int               `json:"timeout"`
	Headers        map[string]string `json:"headers"`
	AllowedEnvVars []string          `json:"allowedEnvVars"`
}

// settingsOfHooks has Claude Code tell a server what it does.
func settingsOfHooks(url string) hookSettings {
	hook := httpHook{
		Type: "http", URL: strings.TrimSuffix(url, "/") + "/hooks/claude", Timeout: hookSeconds,
		Headers: map[string]string{
			"Authorization": "Bearer $JRWEB_TOKEN", "Jrweb-Run": "$" + runVariable, "Jrweb-Machine": "$HOSTNAME",
		},
		AllowedEnvVars: []string{"JRWEB_TOKEN", runVariable, "HOSTNAME"},
	}
	s := hookSettings{map[string][]hookMatcher{}}
	for _, event := range hookEvents {
		s.Hooks[event] = []hookMatcher{{[]httpHook{hook}}}
	}
	return s
}

// printHooks prints the settings for the server that the flags name, or that the watch
// serves.
func printHooks(c *cli.Command) error {
	url := c.String("url")
	if c.Bool("serve") {
		url = "http://" + c.String("addr")
	}
	if strings.HasPrefix(url, unixPrefix) {
		return usagef("-hooks needs a URL: Claude Code posts to no Unix socket")
	}
	text, err := json.MarshalIndent(settingsOfHooks(url), "", "  ")
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	_, err = fmt.Fprintf(c.Root().Writer, "%s\n", text)
	return err
}
