package redact

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Rule describes one shape of secret.
type Rule struct {
	// Name is used in the replacement: lower-case letters and digits, in words joined by
	// "-".
	Name string
	// Find matches the secret. If it has groups, the first group that matched something is
	// replaced, else the whole match.
	Find *regexp.Regexp
	// Starts are the fixed texts, of at least two bytes, that a match begins with, in upper
	// or lower case. Find is tried only where one of them is, so it is fast however long
	// the text is; it does not see the text before. Without Starts, Find runs over the
	// whole of every string.
	Starts []string
	// Word says that no match begins within a word: after a letter or a digit. It needs
	// Starts.
	Word bool
	// Key makes the value of an object's member a secret if Key matches the member's key
	// and the value is a string. Only keys that contain one of Starts are tried.
	Key *regexp.Regexp
	// Example is a text with a made-up secret of this shape.
	Example string
	// Misses says what the rule does not find although one might expect it.
	Misses string

	// plausible, if set, decides whether a match is a secret. Before is the match up to the
	// secret.
	plausible func(before, secret []byte) bool
}

// Rules returns the known shapes. Where two of them overlap in a text, the one that is
// listed first names the secret.
func Rules() []Rule { return slices.Clone(known()) }

var known = sync.OnceValue(func() []Rule { return slices.Concat(keyRules(), tokenRules(), contextRules()) })

// made returns n made-up characters, so that no example looks like a secret to scanners of
// this source.
func made(alphabet string, n int) string {
	return strings.Repeat(alphabet, n/len(alphabet)+1)[:n]
}

const (
	mixed = "7aB3dE9fG2hJ5kL8mN4pQ6rS1tU0vWxYz"
	upper = "7AB3DE2FG5HJKL"
	hexa  = "0f1e2d3c4b5a6978"
)
