package auth

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"jrweb/router"
)

// leastToken is the least length of a token, in bytes. Shorter ones can be guessed.
const leastToken = 16

// hashPrefix marks a line that has only the hash of the token.
const hashPrefix = "sha256:"

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// token is a line of the file of tokens.
type token struct {
	name string
	role router.Role
	hash [sha256.Size]byte
}

// parseTokens reads a file of tokens: name:role:token or name:role:sha256:HEX on each line,
// and comments. An error names the line, but never its content.
func parseTokens(text []byte) ([]token, error) {
	var tokens []token
	seen := map[[sha256.Size]byte]int{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t, err := parseToken(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if other := seen[t.hash]; other > 0 {
			return nil, fmt.Errorf("line %d: the token is that of line %d", number, other)
		}
		seen[t.hash] = number
		tokens = append(tokens, t)
	}
	return tokens, lines.Err()
}

func parseToken(line string) (token, error) {
	name, rest, _ := strings.Cut(line, ":")
	role, secret, ok := strings.Cut(rest, ":")
	if !ok {
		return token{}, fmt.Errorf("a line is name:role:token, or name:role:%sHEX", hashPrefix)
	}
	t := token{name: name}
	var err error
	if t.role, err = router.ParseRole(role); err != nil {
		return token{}, fmt.Errorf("the role is none of read, write, steer, admin")
	}
	if !namePattern.MatchString(name) {
		return token{}, fmt.Errorf("the name must match %s", namePattern)
	}
	if digits, isHash := strings.CutPrefix(secret, hashPrefix); isHash {
		hash, err := hex.DecodeString(digits)
		if err != nil || len(hash) != sha256.Size {
			return token{}, fmt.Errorf("behind %s there must be 64 hexadecimal digits", hashPrefix)
		}
		t.hash = [sha256.Size]byte(hash)
		return t, nil
	}
	if len(secret) < leastToken || strings.ContainsAny(secret, " \t") {
		return token{}, fmt.Errorf("the token must have %d characters or more, and no spaces", leastToken)
	}
	t.hash = sha256.Sum256([]byte(secret))
	return t, nil
}

// find returns the token that a client has sent. It takes equally long for a wrong token
// and for a right one, at any place in the file.
func find(tokens []token, shown string) (found token, ok bool) {
	hash := sha256.Sum256([]byte(shown))
	for _, t := range tokens {
		if subtle.ConstantTimeCompare(hash[:], t.hash[:]) == 1 {
			found, ok = t, true
		}
	}
	return found, ok
}

// NewToken makes a token, and its line for the file of tokens. The line does not contain
// the token itself.
func NewToken(name string, role router.Role) (secret, line string, err error) {
	if !namePattern.MatchString(name) {
		return "", "", fmt.Errorf("auth: the name must match %s", namePattern)
	}
	var random [24]byte
	_, _ = rand.Read(random[:]) // it never fails
	secret = "jrw_" + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, fmt.Sprintf("%s:%s:%s%x", name, role, hashPrefix, sha256.Sum256([]byte(secret))), nil
}
