package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// root is where the repository is.
var root = filepath.Join("..", "..", "..")

// mustRun runs a program and returns what it printed.
func mustRun(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	if !strings.Contains(program, "/") {
		program = needs(t, program)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, &errors)
	}
	return string(out)
}

// The score counts what the unit leaves open to somebody who has taken the process over,
// from 0 to 10. A server needs the network and a file; the rest is closed.
func TestTheUnitIsHardened(t *testing.T) {
	const most = 1.2
	unit := filepath.Join(root, "deploy", "systemd", "jrweb.service")
	report := mustRun(t, "", "systemd-analyze", "security", "--offline=true", "--no-pager", unit)
	match := regexp.MustCompile(`exposure level for jrweb.service: ([0-9.]+)`).FindStringSubmatch(report)
	if match == nil {
		t.Fatalf("there is no score in\n%s", report)
	}
	if score, err := strconv.ParseFloat(match[1], 64); err != nil || score > most {
		t.Errorf("the score is %s, not %v or less:\n%s", match[1], most, report)
	}
}

// systemd reads the units, and knows all that is in them.
func TestSystemdKnowsAllThatIsInTheUnits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"jrweb.service", "jrweb.socket"} {
		text := readText(t, filepath.Join(root, "deploy", "systemd", name))
		text = strings.ReplaceAll(text, "/usr/bin/jrweb", binary)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(needs(t, "systemd-analyze"), "verify", "--man=no", "--recursive-errors=no",
		filepath.Join(dir, "jrweb.service"), filepath.Join(dir, "jrweb.socket"))
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "jrweb") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The image holds nothing but the program, and runs it as nobody.
func TestTheImageHoldsTheProgramAlone(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("building an image needs root, or ranges of user ids that this machine may not have")
	}
	dir, context := t.TempDir(), t.TempDir()
	t.Setenv("CGO_ENABLED", "0")
	mustRun(t, "", "go", "build", "-o", filepath.Join(context, "bin", "static", "jrweb"), "jrweb/cmd/jrweb")
	storage := []string{"--storage-driver", "vfs", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run")}
	buildah := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(mustRun(t, "", "buildah", append(storage, args...)...))
	}
	buildah("build", "--isolation", "chroot", "-t", "jrweb", "-f", filepath.Join(root, "deploy", "container", "Dockerfile"), context)
	container := buildah("from", "--pull-never", "jrweb")
	mounted := buildah("mount", container)
	entries, err := os.ReadDir(mounted)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "jrweb" && name != "data" {
			t.Errorf("the image holds %s", name)
		}
	}
	if got := buildah("inspect", "--type", "image", "--format", "{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}}", "jrweb"); got != "65532:65532 [/jrweb]" {
		t.Errorf("it runs %q", got)
	}
	if got := buildah("run", "--isolation", "chroot", container, "/jrweb", "version"); !strings.HasPrefix(got, "jrweb ") {
		t.Errorf("it says %q", got)
	}
}
