package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// peers are the modules whose versions belong to the results.
var peers = []string{
	"go.etcd.io/bbolt", "github.com/mattn/go-sqlite3", "github.com/nats-io/nats-server/v2",
	"github.com/r3labs/sse/v2", "github.com/tmaxmax/go-sse", "golang.org/x/net",
}

// describeMachine says what the figures depend on: machine, kernel, file system,
// versions, and how each store syncs.
func describeMachine(ctx context.Context, dir string) (string, error) {
	var b strings.Builder
	cpu, err := field("/proc/cpuinfo", "model name")
	if err != nil {
		return "", err
	}
	memory, err := field("/proc/meminfo", "MemTotal")
	if err != nil {
		return "", err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(kernel)), "-") // the rest names who built it
	files, err := fileSystem(dir)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "- machine: %d × %s, %s memory, Linux %s, files on %s\n", runtime.NumCPU(), cpu, memory, version, files)
	fmt.Fprintf(&b, "- versions: %s", runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(peers, m.Path) {
				fmt.Fprintf(&b, ", %s %s", m.Path, m.Version)
			}
		}
	}
	for _, server := range [][]string{{"nginx", "-v"}, {"redis-server", "--version"}} {
		// Without the server its experiments fail by themselves.
		if text, err := exec.CommandContext(ctx, server[0], server[1:]...).CombinedOutput(); err == nil {
			fmt.Fprintf(&b, ", %s", strings.TrimSpace(string(text)))
		}
	}
	b.WriteString("\n- sync: all appends are on the disk before they are acknowledged, by fdatasync " +
		"(jrweb and raw: one a commit; bbolt: two), `synchronous=FULL` in WAL mode (SQLite), `appendfsync always` (Redis), `SyncAlways` (NATS JetStream)\n")
	return b.String(), nil
}

// field returns the value of the first line "name : value" of a file.
func field(path, name string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "unknown", nil
}

// fileSystem names the file system of a folder.
func fileSystem(dir string) (string, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	names := map[int64]string{0xEF53: "ext4", 0x58465342: "XFS", 0x9123683E: "Btrfs", 0x01021994: "tmpfs (nothing is synced)", 0x794C7630: "overlayfs"}
	if name := names[s.Type]; name != "" {
		return name, nil
	}
	return fmt.Sprintf("file system %#x", s.Type), nil
}
