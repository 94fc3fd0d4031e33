package e2e

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
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
	if err := os.Mkdir(filepath.Join(context, "bin", "static", "data"), 0o755); err != nil {
		t.Fatal(err)
	}
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

	// What it is for: nobody of the host, who may write to /data, serves.
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte("ann:read:"+strings.Repeat("t", 32)), 0o444); err != nil {
		t.Fatal(err)
	}
	// It stands for a namespace of its own that the address is one of loopback here.
	serve := exec.Command(needs(t, "buildah"), append(storage, "run", "--isolation", "chroot", "--cap-drop", "ALL", "--volume", tokens+":/tokens:ro",
		"--env", "JRWEB_TOKEN_FILE=/tokens", "--env", "JRWEB_ADDR=127.0.0.1:0", container, "/jrweb", "serve")...)
	serve.Stderr = t.Output()
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, listens := strings.CutPrefix(strings.TrimSpace(line), "jrweb: listening on ")
	if !listens {
		t.Fatalf("it says %q, %v", line, err)
	}
	res, err := http.Get(url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("it is not ready: %s", res.Status)
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = serve.Wait() // buildah kills what it runs, and says so
}

// The package is made and installed in a file system of its own, used, and removed again.
func TestThePackageInstallsAllThatItSays(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("dpkg installs as root alone")
	}
	built, into := t.TempDir(), t.TempDir()
	program := filepath.Join(built, "jrweb")
	mustRun(t, "", "env", "CGO_ENABLED=0", "go", "build", "-o", program, "jrweb/cmd/jrweb")
	mustRun(t, root, "bash", "scripts/package", program, "1.2.3", runtime.GOARCH, built)
	packages, err := filepath.Glob(filepath.Join(built, "*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%v, %v", packages, err)
	}
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"} {
		if err := os.MkdirAll(filepath.Join(into, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(into, "var/lib/dpkg/status"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// There is no shell in it: the scripts are those of this machine, told where to work.
	dpkg := []string{"--root=" + into, "--force-script-chrootless", "--force-depends", "--log=/dev/null"}
	mustRun(t, "", "dpkg", append(dpkg, "--install", packages[0])...)

	in := func(path string) string { return filepath.Join(into, path) }
	if got := mustRun(t, "", in("usr/bin/jrweb"), "version"); !strings.HasPrefix(got, "jrweb ") {
		t.Errorf("it says %q", got)
	}
	if users := readText(t, in("etc/passwd")); !strings.Contains(users, "jrweb:x:") {
		t.Errorf("the users are %q", users)
	}
	if page := mustRun(t, "", "man", "--local-file", in("usr/share/man/man1/jrweb.1.gz")); !strings.Contains(page, "jrweb serve") {
		t.Errorf("the manual page says %q", page)
	}
	complete := "source " + in("usr/share/bash-completion/completions/jrweb") + ` && complete -p jrweb`
	if got := mustRun(t, "", "bash", "-c", complete); !strings.Contains(got, "jrweb") {
		t.Errorf("bash completes with %q", got)
	}
	for _, name := range []string{
		"etc/jrweb/jrweb.env", "usr/lib/systemd/system/jrweb.service", "usr/lib/systemd/system/jrweb.socket", "usr/lib/sysusers.d/jrweb.conf",
		"usr/share/zsh/vendor-completions/_jrweb", "usr/share/fish/vendor_completions.d/jrweb.fish", "usr/share/doc/jrweb/operations.md", "usr/share/doc/jrweb/cluster.md",
		"usr/share/doc/jrweb/copyright", "usr/share/doc/jrweb/prometheus/jrweb-alerts.yml", "usr/share/doc/jrweb/grafana/jrweb.json",
	} {
		if info, err := os.Stat(in(name)); err != nil || info.Size() == 0 || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}

	if err := os.WriteFile(in("etc/jrweb/jrweb.env"), []byte("JRWEB_ADDR=127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "", "dpkg", append(dpkg, "--install", packages[0])...)
	if text := readText(t, in("etc/jrweb/jrweb.env")); text != "JRWEB_ADDR=127.0.0.1:1\n" {
		t.Errorf("an upgrade makes %q of what an operator wrote", text)
	}
	if err := os.MkdirAll(in("var/lib/jrweb"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("var/lib/jrweb/jr.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "", "dpkg", append(dpkg, "--purge", "jrweb")...)
	for name, stays := range map[string]bool{"usr/bin/jrweb": false, "etc/jrweb/jrweb.env": false, "var/lib/jrweb/jr.db": true} {
		if _, err := os.Stat(in(name)); (err == nil) != stays {
			t.Errorf("%s after the removal: %v", name, err)
		}
	}
}
