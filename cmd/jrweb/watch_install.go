package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/places"
)

// service is what runs a watch at every login.
type service struct {
	command     []string
	environment []string // "NAME=value"
}

// printService prints the service of this system.
func printService(c *cli.Command) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	s := service{command: append([]string{program, "watch"}, givenFlags(c)...)}
	// The agents' own variables are those of a shell, which a service does not get.
	for _, name := range places.Variables() {
		if value := os.Getenv(name); value != "" {
			s.environment = append(s.environment, name+"="+value)
		}
	}
	text := s.systemd()
	if runtime.GOOS == "darwin" {
		text = s.launchd()
	}
	_, err = fmt.Fprint(c.Root().Writer, text)
	return err
}

// givenFlags are the flags that stand on the command line, as they are given again. The
// token is not: others could read it.
func givenFlags(c *cli.Command) (args []string) {
	for _, f := range c.Flags {
		name := f.Names()[0]
		if name == "install" || name == tokenFlag || !c.IsSet(name) {
			continue
		}
		if values, several := c.Value(name).([]string); several {
			for _, value := range values {
				args = append(args, fmt.Sprintf("-%s=%s", name, value))
			}
			continue
		}
		args = append(args, fmt.Sprintf("-%s=%v", name, c.Value(name)))
	}
	return args
}

// systemd is a unit of the user.
func (s *service) systemd() string {
	var b strings.Builder
	b.WriteString(`# Save this as ~/.config/systemd/user/jrweb-watch.service, then:
#   systemctl --user daemon-reload
#   systemctl --user enable --now jrweb-watch
#   journalctl --user -u jrweb-watch
# A token, JRWEB_TOKEN=..., belongs into ~/.config/jrweb/watch.env, which only you can read.
[Unit]
Description=jrweb: follow every agent's transcripts

[Service]
`)
	var words []string
	for _, word := range s.command {
		words = append(words, systemdWord(word, true))
	}
	fmt.Fprintf(&b, "ExecStart=%s\n", strings.Join(words, " "))
	for _, variable := range s.environment {
		fmt.Fprintf(&b, "Environment=%s\n", systemdWord(variable, false))
	}
	b.WriteString(`EnvironmentFile=-%h/.config/jrweb/watch.env
Restart=on-failure
RestartSec=10
# What is not understood, and a database that is held or damaged, does not get better.
RestartPreventExitStatus=2 3 4
Nice=10
IOSchedulingClass=idle
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
`)
	return b.String()
}

// systemdWord quotes a word for a unit. In commands $ begins a variable.
func systemdWord(word string, command bool) string {
	pairs := []string{`\`, `\\`, `"`, `\"`, "%", "%%", "\n", `\n`}
	if command {
		pairs = append(pairs, "$", "$$")
	}
	return `"` + strings.NewReplacer(pairs...).Replace(word) + `"`
}

// launchd is an agent of the user.
func (s *service) launchd() string {
	var b bytes.Buffer
	text := func(value string) string {
		var escaped bytes.Buffer
		_ = xml.EscapeText(&escaped, []byte(value)) // a buffer takes everything
		return "<string>" + escaped.String() + "</string>"
	}
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Save this as ~/Library/LaunchAgents/org.jrweb.watch.plist, then:
     launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/org.jrweb.watch.plist
     A token, JRWEB_TOKEN, belongs into EnvironmentVariables; then only you may read the file. -->
<plist version="1.0">
<dict>
	<key>Label</key><string>org.jrweb.watch</string>
	<key>ProgramArguments</key>
	<array>
`)
	for _, word := range s.command {
		fmt.Fprintf(&b, "\t\t%s\n", text(word))
	}
	b.WriteString("\t</array>\n\t<key>EnvironmentVariables</key>\n\t<dict>\n")
	for _, variable := range s.environment {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(&b, "\t\t<key>%s</key>%s\n", name, text(value))
	}
	b.WriteString(`	</dict>
	<key>RunAtLoad</key><true/>
	<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
	<key>ThrottleInterval</key><integer>10</integer>
	<key>ProcessType</key><string>Background</string>
	<key>LowPriorityIO</key><true/>
	<key>Umask</key><integer>63</integer>
</dict>
</plist>
`)
	return b.String()
}
