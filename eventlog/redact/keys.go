package redact

import (
	"bytes"
	"encoding/base64"
	"regexp"
)

// keyRules are about private keys. They come first: they are the longest, and may contain
// other shapes.
func keyRules() []Rule {
	return []Rule{
		{
			Name:   "private-key",
			Starts: []string{"-----BEGIN"},
			// The body may be quoted, indented, numbered by line, or have escaped line
			// breaks, so everything up to the end line belongs to it. If it was cut before
			// that, long words that look like base64 belong to it.
			Find: regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----` +
				`(?:(?:-{0,4}[^-])*-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----` +
				`|(?:(?:[\s>|:→]|[0-9]{1,6}[\s>|:→]|\\+[nr])*(?:[A-Za-z0-9+/]{16,}={0,2}|(?:Proc-Type|DEK-Info|Version|Comment): [^\n\\]*))+)`),
			Example: "-----BEGIN RSA PRIVATE KEY-----\n" + made(mixed, 64) + "\n" + made(mixed, 22) + "==\n-----END RSA PRIVATE KEY-----",
			Misses:  "A key without its BEGIN line. The last line, if shorter than 16 characters, of a key without its END line.",
		},
		{
			Name:   "private-key-base64",
			Starts: []string{"LS0tLS1CRUdJTi"},
			Find:   regexp.MustCompile(`LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}={0,2}`),
			plausible: func(_, secret []byte) bool {
				text := make([]byte, base64.StdEncoding.DecodedLen(len(secret)))
				n, _ := base64.StdEncoding.Decode(text, secret) // the part before an error is enough
				return bytes.Contains(text[:n], []byte("PRIVATE KEY-----"))
			},
			Example: base64.StdEncoding.EncodeToString([]byte("-----BEGIN PRIVATE KEY-----\n" + made(mixed, 40) + "\n-----END PRIVATE KEY-----\n")),
			Misses:  "Base64 that is broken into lines: its first line is replaced.",
		},
		{
			Name:    "age-secret-key",
			Starts:  []string{"AGE-SECRET-KEY-"},
			Find:    regexp.MustCompile(`AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,}`),
			Example: "AGE-SECRET-KEY-1" + made(upper, 58),
			Misses:  "Identities of age plugins.",
		},
	}
}
