package redact

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Rule is one shape of secret.
type Rule struct {
	// Name stands in place of what the rule finds: lower-case letters and digits,
	// in words joined by "-".
	Name string
	// Find matches the secret. If it has groups, the first that matched something
	// is what is replaced, else the whole match is.
	Find *regexp.Regexp
	// Starts are the fixed texts, of at least two bytes, that a match begins with,
	// in any case. Find is tried only where one of them stands, so it is fast
	// however long the text is; it sees nothing of the text before. Without
	// Starts, Find runs over the whole of every string.
	Starts []string
	// Word says that no match begins within a word: after a letter or a digit.
	// It takes Starts.
	Word bool
	// Key, if it matches the key of an object's member, makes all of the value a
	// secret, if that is a string. Only keys that hold one of Starts are matched.
	Key *regexp.Regexp
	// Example is a text with a secret of this shape, made up.
	Example string
	// Misses says what is not found though one might expect it.
	Misses string

	// plausible, if set, decides whether a match is a secret. Before is the match
	// up to the secret.
	plausible func(before, secret []byte) bool
}

// Rules returns the shapes that are known. Where two of them overlap in a text,
// the one that is listed first names the secret.
func Rules() []Rule { return slices.Clone(known()) }

var known = sync.OnceValue(func() []Rule { return slices.Concat(keyRules(), tokenRules(), contextRules()) })

// made returns n made-up characters, so that no example looks like a secret to
// those who scan this source.
func made(alphabet string, n int) string {
	return strings.Repeat(alphabet, n/len(alphabet)+1)[:n]
}

const (
	mixed = "7aB3dE9fG2hJ5kL8mN4pQ6rS1tU0vWxYz"
	upper = "7AB3DE2FG5HJKL"
	hexa  = "0f1e2d3c4b5a6978"
)
