package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// awkward is a command with all that has to be quoted.
var awkward = service{
	command:     []string{"/opt/my tools/jrweb", "watch", "-serve=true", `-exclude=50% "of" $HOME\<it>&`},
	environment: []string{`CLAUDE_CONFIG_DIR=/home/ann/<a> "b" 50%`},
}

func TestTheLaunchdAgentIsAPlistThatSaysTheCommand(t *testing.T) {
	text := awkward.launchd()
	var words []string
	in := false
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			in = token.Name.Local == "string"
		case xml.EndElement:
			in = false
		case xml.CharData:
			if in {
				words = append(words, string(token))
			}
		}
	}
	for _, want := range append(awkward.command, `/home/ann/<a> "b" 50%`) {
		if !strings.Contains("\x00"+strings.Join(words, "\x00")+"\x00", "\x00"+want+"\x00") {
			t.Errorf("%q is not in %q", want, words)
		}
	}
	if plutil, err := exec.LookPath("plutil"); err == nil { // on macOS
		if out, err := exec.Command(plutil, "-lint", write(t, filepath.Join(t.TempDir(), "a.plist"), []byte(text))).CombinedOutput(); err != nil {
			t.Errorf("plutil: %v: %s", err, out)
		}
	}
}

func TestSystemdKnowsAllThatIsInTheUserUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not on this machine")
	}
	s := awkward
	s.command = append([]string{os.Args[0]}, s.command[1:]...) // a program that is there
	complaint := func(text string) string {
		unit := write(t, filepath.Join(t.TempDir(), "jrweb-watch.service"), []byte(text))
		cmd := exec.Command(analyze, "verify", "--user", "--man=no", "--recursive-errors=no", unit)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "jrweb-watch") {
			return fmt.Sprintf("%v: %s", err, out)
		}
		return ""
	}
	if said := complaint(s.systemd()); said != "" {
		t.Errorf("%s\n%s", said, s.systemd())
	}
	// The control: what nobody knows is seen.
	if complaint(strings.Replace(s.systemd(), "Nice=", "Nise=", 1)) == "" {
		t.Error("systemd says nothing of a setting that it does not know")
	}
}
