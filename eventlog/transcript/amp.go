package transcript

import "strings"

// isAmp: Amp's threads have ids that begin with T-. Its lines are those of Claude
// Code, without money, so [claude] converts them.
func isAmp(o object) bool {
	return strings.HasPrefix(o.text("session_id"), "T-") && isClaudeLike(o)
}
