package redact

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"unicode/utf8"
)

// contextRules are about secrets that can only be recognized by the text before them.
func contextRules() []Rule {
	return []Rule{
		{
			Name:    "aws-secret-key",
			Starts:  []string{"aws", "secret_access_key", "secretaccesskey", "secret-access-key"},
			Find:    regexp.MustCompile(`(?i)(?:aws_?-?secret|secret[_-]?access[_-]?key)[^\n]{0,40}?[^A-Za-z0-9/+]([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`),
			Example: "aws_secret_access_key = " + made(mixed, 20) + "/" + made(mixed, 19),
			Misses:  "The 40 characters alone, and more than 40 characters after the name, as in a table.",
		},
		{
			Name:    "azure-storage-key",
			Starts:  []string{"AccountKey", "SharedAccessKey"},
			Find:    regexp.MustCompile(`(?i)(?:Account|SharedAccess)Key\s*=\s*([A-Za-z0-9+/]{40,}={0,2})`),
			Example: "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + made(mixed, 86) + "==;EndpointSuffix=core.windows.net",
			Misses:  "The 88 characters alone.",
		},
		{
			Name:    "signed-url",
			Starts:  []string{"?sig=", "&sig=", "X-Amz-Signature=", "X-Amz-Security-Token=", "X-Goog-Signature="},
			Find:    regexp.MustCompile(`(?i)(?:[?&]sig|X-Amz-Signature|X-Amz-Security-Token|X-Goog-Signature)=([A-Za-z0-9%+/=_.~-]{20,})`),
			Example: "https://a.blob.core.windows.net/c/f?sv=2024-11-04&sig=" + made(mixed, 43) + "%3D",
			Misses:  "Other names for a signature.",
		},
		{
			Name:    "url-password",
			Starts:  []string{"://"},
			Find:    regexp.MustCompile("://[^\\s:/?#@\"'`<>\\\\]*:([^\\s\"'`<>/\\\\]+)@"),
			Example: "postgres://app:hunter2@db.internal:5432/app?sslmode=require",
			Misses:  "A password that has a slash, a backslash or a quote unescaped. A token in place of the user's name, unless another rule knows it. A variable ($NAME, ${NAME}, <name>).",
			plausible: func(_, secret []byte) bool {
				return !reference.Match(secret) && !filler(secret)
			},
		},
		{
			Name:    "authorization-header",
			Starts:  []string{"authorization"},
			Find:    regexp.MustCompile("(?i)authorization\\\\*[\"'`]?\\s*[:=,]\\s*\\\\*[\"'`]?\\s*(?:[A-Za-z][A-Za-z0-9-]{2,20}[ \\t]+)?([^\\s\"'`\\\\,;<>(){}]{8,})"),
			Example: "Authorization: Token " + made(mixed, 12),
			Misses:  "Fewer than 8 characters without a digit or a sign. What follows a comma (Digest, AWS4-HMAC-SHA256).",
			plausible: func(_, secret []byte) bool {
				return !reference.Match(secret) && !filler(secret) && (!word.Match(secret) || len(secret) >= 20)
			},
		},
		{
			Name:    "bearer-token",
			Starts:  []string{"bearer"},
			Find:    regexp.MustCompile(`(?i)bearer(?:\s|%20|\\u0020)+([A-Za-z0-9._~+/-]{8,}=*)`),
			Word:    true,
			Example: "Bearer " + made(mixed, 32),
			Misses:  "Fewer than 8 characters; fewer than 20 without a digit, which read as prose.",
			plausible: func(_, secret []byte) bool {
				return !filler(secret) && (bytes.ContainsAny(secret, "0123456789") || len(secret) >= 20)
			},
		},
		{
			Name:      "basic-credentials",
			Starts:    []string{"basic", "auth"},
			Find:      regexp.MustCompile("(?i)(?:basic\\s+|auth\\\\*[\"'`]?\\s*[:=]\\s*\\\\*[\"'`]?)([A-Za-z0-9+/]{6,}={0,2})"),
			Word:      true,
			Key:       regexp.MustCompile(`(?i)^_?auth$`),
			Example:   "Basic " + base64.StdEncoding.EncodeToString([]byte("user:hunter2")),
			Misses:    "Base64 that does not read as user:password in UTF-8.",
			plausible: func(_, secret []byte) bool { return readsAsUserAndPassword(secret) },
		},
		{
			Name:    "netrc-password",
			Starts:  []string{"login"},
			Word:    true,
			Find:    regexp.MustCompile(`(?i)login\s+\S+\s+(?:account\s+\S+\s+)?password\s+(\S+)`),
			Example: "machine api.example.com login bot password hunter2",
			Misses:  "An entry whose password comes before its login.",
		},
		{
			Name:    "curl-user",
			Starts:  []string{"curl"},
			Word:    true,
			Find:    regexp.MustCompile(`curl\s(?:[^\n]{0,60}?\s)?(?:-u|--user)[ =]?\\*["']?[^\s:"'\\]+:(?:([^\s"'\\]+))`),
			Example: "curl -s -u admin:hunter2 https://example.com/",
			Misses:  "A password with a space or a quote; more than 60 characters between curl and -u; other programs.",
			plausible: func(_, secret []byte) bool {
				return !reference.Match(secret) && !filler(secret)
			},
		},
		{
			Name:    "password-flag",
			Starts:  flagStarts(),
			Find:    regexp.MustCompile("(?i)--(?:[a-z0-9]+[_-])*?" + names + "[ \\t]+\\\\*[\"'`]?([^\\s\"'`\\\\-][^\\s\"'`\\\\]*)"),
			Example: "deploy --db-password hunter2",
			Misses:  "Short flags (mysql -phunter2). What plain assignments miss.",
			plausible: func(before, secret []byte) bool {
				return plausible(before, secret, true)
			},
		},
		{
			Name:   "assignment",
			Starts: nameStarts,
			Find: regexp.MustCompile(`(?i)` + names + "\\\\*[\"'`]?\\]?\\s*(?::=|=>|=|:)\\s*" +
				"(?:\\\\+[\"']([^\"'\\n]+?)\\\\+[\"']" +
				"|\"((?:[^\"\\\\\\n]|\\\\.)+)" +
				"|'((?:[^'\\\\\\n]|\\\\.)+)" +
				"|`([^`\\n]+)" +
				"|([^\\s\"'`&;,<>)}\\\\]+))"),
			Key:     regexp.MustCompile(`(?i)(?:` + names + `|authorization)$`),
			Example: `DB_PASSWORD="hunter2"`,
			Misses: "Names that do not end in one of: " + nameList + ". " +
				"Values of fewer than 4 characters; for names other than passwords fewer than 8, those that are a number, and those of fewer than 20 without a digit. " +
				"Values without quotes that look like code (calls, a.b.c, words without a digit or sign, unless after PASSWORD=); what follows a comma, semicolon, ampersand or bracket in them. " +
				"References ($NAME, ${NAME}, <name>). Values in a JSON object or array below the name, or that are numbers.",
			plausible: func(before, secret []byte) bool {
				last := before[len(before)-1]
				if bytes.IndexByte([]byte("\"'`"), last) >= 0 {
					return plausible(before, secret, true)
				}
				return !code(secret, isPassword(before) && last == '=') && plausible(before, secret, false)
			},
		},
	}
}

// names match the end of a name whose value is a secret. The beginning of the name (DB_,
// github-) does not matter.
const (
	names = `(?:password|passwd|passphrase|pwd|secret|token|credentials?|(?:api|access|private|account|auth|encryption|signing)[_-]?key)` +
		`(?:[_-]?(?:access|key|base|value|base64|data))*[0-9]{0,2}`
	nameList = "password, passwd, passphrase, pwd, secret, token, credential, api_key, access_key, private_key, account_key, auth_key, encryption_key, signing_key"
)

var nameStarts = []string{
	"password", "passwd", "passphrase", "pwd", "secret", "token", "credential",
	"api_key", "api-key", "apikey", "access_key", "access-key", "accesskey", "private_key", "private-key", "privatekey",
	"account_key", "account-key", "accountkey", "auth_key", "auth-key", "authkey",
	"encryption_key", "encryption-key", "encryptionkey", "signing_key", "signing-key", "signingkey",
	"authorization",
}

// flagStarts are "--" and a letter, because lines of dashes are common.
func flagStarts() (starts []string) {
	for c := 'a'; c <= 'z'; c++ {
		starts = append(starts, "--"+string(c))
	}
	return starts
}

var (
	// reference matches a value that only refers to a secret.
	reference = regexp.MustCompile(`^(?:\$[A-Za-z_][A-Za-z0-9_]*$|\$[{(]|\{\{|<[^>]*>?$|%[A-Za-z_]+%$|(?:process\.)?env[.(\[]|os\.)`)
	word      = regexp.MustCompile(`^[A-Za-z_.-]+$`)
	number    = regexp.MustCompile(`^[0-9._-]+$`)
	constant  = regexp.MustCompile(`(?i)^(?:null|none|nil|true|false|undefined|string|str|bytes|required|optional|redacted)$`)
	password  = regexp.MustCompile(`(?i)pass|pwd`)
	path      = regexp.MustCompile(`^(?:[~.]*/|[A-Za-z]:\\)`)
)

// isPassword reports whether a name is the name of a password. Keys and tokens are made by
// machines and are longer.
func isPassword(before []byte) bool { return password.Match(before) }

// plausible reports whether a value is likely to be a secret, given the name.
func plausible(before, value []byte, quoted bool) bool {
	if reference.Match(value) || constant.Match(value) || filler(value) {
		return false
	}
	if isPassword(before) {
		// PWD is also the directory of a shell.
		return len(value) >= 4 && !path.Match(value)
	}
	if len(value) < 8 || number.Match(value) || quoted && bytes.IndexByte(value, ' ') >= 0 && !bytes.ContainsAny(value, "0123456789") {
		return false
	}
	return len(value) >= 20 || bytes.ContainsAny(value, "0123456789")
}

// code reports whether a value without quotes looks like an expression.
func code(value []byte, literal bool) bool {
	return bytes.ContainsAny(value, "([{") || !literal && word.Match(value)
}

// filler reports whether a value is one repeated character: "****".
func filler(value []byte) bool {
	return bytes.Count(value, value[:1]) == len(value)
}

func readsAsUserAndPassword(encoded []byte) bool {
	encoded = bytes.TrimRight(encoded, "=")
	text := make([]byte, base64.RawStdEncoding.DecodedLen(len(encoded)))
	n, err := base64.RawStdEncoding.Decode(text, encoded)
	text = text[:n]
	if err != nil || bytes.IndexByte(text, ':') < 0 || !utf8.Valid(text) {
		return false
	}
	return !bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
}
