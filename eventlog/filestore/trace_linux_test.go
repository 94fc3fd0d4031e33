package filestore

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// call is a system call that a process made on a file, or a line that it said.
type call struct {
	name       string
	path, to   string // to: the new name of a link
	data       []byte
	at, size   int64 // of a write or an allocation
	creates    bool
	failed     bool
	begin, end int // lines of the trace
}

const tracedCalls = "openat,pwrite64,write,sync_file_range,fdatasync,fsync,fallocate,ftruncate,linkat,renameat,unlinkat,rename,unlink,renameat2"

// traceChild runs a child under strace and returns its calls, in the order of their ends.
func traceChild(t testing.TB, path string, changes int, closes bool) []call {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := child(t, path, changes, closes, strace(t), "-f", "--seccomp-bpf", "-y", "-xx", "-s", "4000000", "-o", trace, "-e", "trace="+tracedCalls)
	out, err := cmd.Output()
	if exitCode(t, err) != 0 {
		t.Fatalf("the traced process: %v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	return parseTrace(t, text, filepath.Dir(path))
}

var (
	traceLine = regexp.MustCompile(`^(\d+) +(.*)$`)
	resumed   = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
	hexString = regexp.MustCompile(`["<]((?:\\x[0-9a-f]{2})+)[">]`)
	result    = regexp.MustCompile(`\) += (-?\d+)`)
	numbers   = regexp.MustCompile(`, (\d+), (\d+)\)?$`)
)

// parseTrace returns the calls on files in dir, and on the standard output.
func parseTrace(t testing.TB, text []byte, dir string) (calls []call) {
	t.Helper()
	type begun struct {
		text string
		line int
	}
	open := map[string]begun{} // by thread
	for i, line := range strings.Split(string(text), "\n") {
		m := traceLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		thread, rest := m[1], m[2]
		if head, ok := strings.CutSuffix(rest, " <unfinished ...>"); ok {
			open[thread] = begun{head, i}
			continue
		}
		begin := i
		if tail := resumed.FindString(rest); tail != "" {
			rest, begin = open[thread].text+rest[len(tail):], open[thread].line
		}
		ret := result.FindStringSubmatch(rest)
		name, args, ok := strings.Cut(rest, "(")
		if !ok || ret == nil {
			continue
		}
		c := call{name: name, begin: begin, end: i, failed: strings.HasPrefix(ret[1], "-")}
		var texts [][]byte
		for _, s := range hexString.FindAllStringSubmatch(args, -1) {
			b, err := hex.DecodeString(strings.ReplaceAll(s[1], `\x`, ""))
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, b)
		}
		var paths []string
		for _, s := range texts {
			if bytes.HasPrefix(s, []byte(dir+"/")) || string(s) == dir {
				paths = append(paths, string(s))
			}
		}
		plain := args[:strings.LastIndex(args, ") ")]
		n := numbers.FindStringSubmatch(plain)
		switch name {
		case "write":
			if !strings.HasPrefix(args, "1<") {
				continue
			}
			c.data = texts[len(texts)-1]
		case "openat":
			c.creates = strings.Contains(args, "O_CREAT")
			if !c.creates || len(paths) == 0 {
				continue
			}
			c.path = paths[0]
		case "linkat", "renameat", "rename", "renameat2":
			if len(paths) < 2 {
				continue
			}
			c.path, c.to = paths[0], paths[1]
		default:
			if len(paths) == 0 {
				continue
			}
			c.path = paths[0]
			if name == "pwrite64" {
				c.data = texts[len(texts)-1]
				c.at = number(t, n[2])
				if int64(len(c.data)) != number(t, n[1]) {
					t.Fatalf("the trace has %d bytes of a write of %s", len(c.data), n[1])
				}
			}
			if name == "fallocate" {
				c.at, c.size = number(t, n[1]), number(t, n[2])
			}
			if name == "ftruncate" {
				c.size = number(t, plain[strings.LastIndex(plain, " ")+1:])
			}
		}
		calls = append(calls, c)
	}
	return calls
}

func number(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// said returns the words and the number of a line such as "acknowledged 7".
func (c *call) said() (word string, n int) {
	if c.name != "write" {
		return "", 0
	}
	_, _ = fmt.Sscanf(string(c.data), "%s %d", &word, &n)
	return word, n
}
