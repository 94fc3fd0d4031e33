package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// screen is what a terminal shows.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.text.Write(b)
}

// wait waits until the screen shows a text n times.
func (s *screen) wait(t *testing.T, text string, n int) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		shown, changed := s.text.String(), s.changed
		s.mu.Unlock()
		if strings.Count(shown, text) >= n {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("the terminal does not show %q %d times:\n%q", text, n, shown)
		}
	}
}

// typeIn starts a shell on a terminal.
func typeIn(t *testing.T, url, shell string) (io.Writer, *screen) {
	t.Helper()
	line := strings.Fields(shell)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = []string{
		"PATH=" + pathOf(t, "jrweb") + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + t.TempDir(), "TERM=dumb", "LANG=C.UTF-8",
		"JRWEB_URL=" + url, "BROWSER=true", "PS1=ready> ", "GORACE=" + fastExit,
	}
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{changed: make(chan struct{})}
	go func() { _, _ = io.Copy(s, terminal) }() // ends with the terminal
	t.Cleanup(func() {
		kill(cmd)
		_ = terminal.Close() // nothing is read from it any more
	})
	return terminal, s
}

func pathOf(t *testing.T, program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

func TestShellsCompleteCommandsFlagsAndTasks(t *testing.T) {
	_, url := serving(t, filepath.Join(t.TempDir(), "jr.db"))
	record := exec.Command("jrweb", "append", "-task", "only-one", "-url", url)
	record.Stdin = strings.NewReader(`{"type":"complete","data":{}}`)
	if out, err := record.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct{ shell, start, load string }{
		{"bash", "bash --norc --noprofile -i", "source <(jrweb completion bash)"},
		{"zsh", "zsh -f -i", "autoload -U compinit; compinit -u -D; source <(jrweb completion zsh)"},
		{"fish", "fish --no-config -i", "jrweb completion fish | source"},
	} {
		t.Run(c.shell, func(t *testing.T) {
			keys, screen := typeIn(t, url, c.start)
			send := func(text string) {
				t.Helper()
				if _, err := io.WriteString(keys, text); err != nil {
					t.Fatal(err)
				}
			}
			// What is typed before the shell listens may be lost to it. The texts that are
			// waited for are none that was typed.
			send(c.load + "; echo loa''ded\n")
			screen.wait(t, "loaded", 1)
			send("jrweb op\tonly\t\n")
			screen.wait(t, url+"/tasks/only-one", 1)
			send("jrweb open -url=" + url + " only\t\n")
			screen.wait(t, url+"/tasks/only-one", 2)
			send("jrweb export -form\thtm\tonly\t | tail -n 1; echo en''d\n")
			screen.wait(t, "</html>", 1)
			screen.wait(t, "end", 1)
			// Nothing of what was typed is run by a TAB.
			made := filepath.Join(t.TempDir(), "made")
			send(fmt.Sprintf("jrweb say only-one \"$(touch %s)\" x\t\x03", made))
			send("ls " + filepath.Dir(made) + " | wc -l; echo do''ne\n")
			screen.wait(t, "done", 1)
			if found, err := filepath.Glob(made); err != nil || found != nil {
				t.Errorf("a TAB ran what was typed: %v %v", found, err)
			}
			send("exit\n")
		})
	}
}
