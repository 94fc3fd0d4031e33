package transcript

import (
	"regexp"
	"strconv"
	"strings"
)

// saidExit finds an exit code in a line that says no more than that: "Exit code: 3",
// "[Process exited with code 3]", "exit status 1".
var saidExit = regexp.MustCompile(`(?i)\bexit(?:ed)?(?: with)?[ _](?:code|status)[: ]+(-?\d{1,10})\b`)

// commandTool says which tools run commands, by their names. What another tool gives
// back may be a text about exit codes.
var commandTool = regexp.MustCompile(`(?i)bash|shell|command|exec|terminal|powershell`)

// exit takes the exit code of a command from where its output says it, for agents that
// have no field for it: on one of the first two lines, or on the last.
func (out *output) exit(r *result) {
	tool := r.tool
	if tool == "" {
		tool, _ = out.tools.get(r.id)
	}
	if !commandTool.MatchString(tool) {
		return
	}
	lines := strings.SplitN(beginning(r.output, 1<<10), "\n", 3)
	end := strings.TrimRight(r.output[max(0, len(r.output)-1<<10):], " \t\r\n")
	for _, line := range append(lines[:min(2, len(lines))], end[strings.LastIndexByte(end, '\n')+1:]) {
		if len(line) > 200 {
			continue
		}
		if found := saidExit.FindStringSubmatch(line); found != nil {
			code, err := strconv.Atoi(found[1])
			if err == nil {
				r.success = r.success && code == 0
				r.more = withMore(data(nil).number("exit_code", float64(code)), r.more)
			}
			return
		}
	}
}
