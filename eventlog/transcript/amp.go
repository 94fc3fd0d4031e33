package transcript

import "strings"

const amp = "Amp"

// isAmp: Amp's threads have ids that begin with T-. Its lines are those of Claude
// Code, without money, so [claude] converts them.
func isAmp(o object) bool {
	return strings.HasPrefix(recorded(o).text("session_id"), "T-") && isClaudeLike(o)
}
