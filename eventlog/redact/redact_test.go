package redact_test

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/redact"
)

// fataler is a test, or one try of a property.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// through returns the data that the middleware passes on.
func through(t fataler, m eventlog.Middleware, data string) string {
	t.Helper()
	var got []byte
	next := func(_ context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
		got = b.Events[0].Data
		return eventlog.Appended{}, nil
	}
	given := []byte(data)
	b := &eventlog.Batch{Events: []eventlog.Event{{Type: "note", Data: given}}}
	if _, err := m(next)(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if string(given) != data {
		t.Fatalf("the caller's data was changed: %s", given)
	}
	return string(got)
}

// quoted returns the text as a JSON string.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// content returns data with the text as its content.
func content(text string) string { return `{"content":` + quoted(text) + `}` }

// secretOf returns what the rule replaces in its example.
func secretOf(t fataler, rule redact.Rule) string {
	t.Helper()
	m := rule.Find.FindStringSubmatch(rule.Example)
	if m == nil {
		t.Fatalf("%s does not match its example %q", rule.Name, rule.Example)
	}
	for _, group := range m[1:] {
		if group != "" {
			return group
		}
	}
	return m[0]
}

func TestEachRuleFindsItsExample(t *testing.T) {
	m := redact.Middleware(nil)
	seen := map[string]bool{}
	for _, rule := range redact.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			if seen[rule.Name] {
				t.Error("another rule has this name")
			}
			seen[rule.Name] = true
			if rule.Misses == "" {
				t.Error("it does not say what it misses")
			}
			want := strings.Replace(rule.Example, secretOf(t, rule), "[redacted:"+rule.Name+"]", 1)
			if got := through(t, m, content(rule.Example)); got != content(want) {
				t.Errorf("%s became %s, want %s", content(rule.Example), got, content(want))
			}
		})
	}
}

func TestSecretsAreReplaced(t *testing.T) {
	gh := "ghp_" + strings.Repeat("aB3d", 9)
	aws := "AKIA" + strings.Repeat("Z9", 8)
	pem := "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASC\n-----END PRIVATE KEY-----"
	for _, c := range []struct{ name, data, want string }{
		{"in a value", `{"content":"use ` + gh + ` now"}`, `{"content":"use [redacted:github-token] now"}`},
		{"in a key", `{"args":{"` + gh + `":1}}`, `{"args":{"[redacted:github-token]":1}}`},
		{"deep down", `{"args":{"a":[[{"b":"` + gh + `"}]]}}`, `{"args":{"a":[[{"b":"[redacted:github-token]"}]]}}`},
		{"in the reason of an end", `{"status":"failed","reason":"bad ` + gh + `"}`, `{"status":"failed","reason":"bad [redacted:github-token]"}`},
		{"in a tool's name", `{"tool":"` + gh + `","args":{}}`, `{"tool":"[redacted:github-token]","args":{}}`},
		{"behind a unicode escape", `{"c":"\u0041KIA` + aws[4:] + `"}`, `{"c":"[redacted:aws-access-key-id]"}`},
		{"behind an escaped slash", `{"c":"postgres:\/\/u:hunter2@h\/d"}`, `{"c":"postgres:\/\/u:[redacted:url-password]@h\/d"}`},
		{"over line breaks", content(pem), `{"content":"[redacted:private-key]"}`},
		{"over line breaks that were escaped twice", content(strings.ReplaceAll(pem, "\n", `\n`)), `{"content":"[redacted:private-key]"}`},
		{"in a key file with numbered lines", content("1→" + strings.ReplaceAll(pem, "\n", "\n2→") + "\n3→x"), `{"content":"1→[redacted:private-key]\n3→x"}`},
		{"in a key file that was cut", content(pem[:50] + "\nand more"), `{"content":"[redacted:private-key]\nand more"}`},
		{"two, side by side", content(gh + " " + aws), `{"content":"[redacted:github-token] [redacted:aws-access-key-id]"}`},
		{"two without a gap", content(aws + gh), `{"content":"[redacted:aws-access-key-id][redacted:github-token]"}`},
		{"next to escapes, numbers and an order that stay", `{"z":1.50,"a":"\u00e9\ud83d\ude00 ` + gh + ` \/\n","m":-0e1}`,
			`{"z":1.50,"a":"\u00e9\ud83d\ude00 [redacted:github-token] \/\n","m":-0e1}`},
		{"as the value of a telling key", `{"args":{"db_password":"correct horse","n":1}}`, `{"args":{"db_password":"[redacted:assignment]","n":1}}`},
		{"as the value of a telling key that is escaped", `{"passw\u006frd" : "hunter2"}`, `{"passw\u006frd" : "[redacted:assignment]"}`},
		{"in JSON within a string", content(`{"api_key":"abcd-1234-efgh"}`), content(`{"api_key":"[redacted:assignment]"}`)},
		{"in JSON within JSON within a string", content(`"{\"password\":\"hunter2\"}"`), content(`"{\"password\":\"[redacted:assignment]\"}"`)},
		{"in an environment", content("PWD=/work\nPGPASSWORD=hunter\nN=1"), content("PWD=/work\nPGPASSWORD=[redacted:assignment]\nN=1")},
		{"in YAML", content("db:\n  password: hunter2\n"), content("db:\n  password: [redacted:assignment]\n")},
		{"in a connection string", content("Server=db;Uid=sa;Pwd=hunter2;"), content("Server=db;Uid=sa;Pwd=[redacted:assignment];")},
		{"in a query", content("/login?password=hunter2&next=a"), content("/login?password=[redacted:assignment]&next=a")},
		{"in a Go assignment", content(`token := "abcdefgh12345678"`), content(`token := "[redacted:assignment]"`)},
		{"in a password with an escaped quote", content(`password = "a\"bc1"`), content(`password = "[redacted:assignment]"`)},
		{"in a password that looks like the beginning of a key", content("password=x" + pem), `{"content":"password=[redacted:private-key]"}`},
		{"in an unknown scheme of authorization", content("> authorization: Custom abc12345\r"), content("> authorization: Custom [redacted:authorization-header]\r")},
		{"in a value that is no secret itself", content("secret: password=hunter"), content("secret: password=[redacted:assignment]")},
		{"in a docker config", content(`"auth": "dXNlcjpodW50ZXIy"`), content(`"auth": "[redacted:basic-credentials]"`)},
		{"in a docker config's key", `{"auth":"dXNlcjpodW50ZXIy"}`, `{"auth":"[redacted:basic-credentials]"}`},
		{"with an @ in the password of a URL", content("amqp://u:p@ss@h"), content("amqp://u:[redacted:url-password]@h")},
		{"within what only claims to be redacted", content("[redacted:" + gh + "]"), content("[redacted:[redacted:github-token]]")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := redact.Middleware(nil)
			got := through(t, m, c.data)
			if got != c.want {
				t.Errorf("%s\nbecame %s\nwant   %s", c.data, got, c.want)
			}
			if again := through(t, m, got); again != got {
				t.Errorf("redacting again made %s of %s", again, got)
			}
		})
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for _, c := range []struct{ name, data string }{
		{"prose", content("The bearer token is sent with basic authentication; the password: see the vault.")},
		{"a word that ends like a mark", content("task-0123456789abcdef0123456789abcdef0123")},
		{"a type", content("interface { password: string; token?: string }")},
		{"a call", content("password = getPassword(1)")},
		{"a variable", content(`PASSWORD=$DB_PASS API_KEY="${API_KEY_V1}" SECRET=<your-secret-1> postgres://u:$PASS@h`)},
		{"a mask", content("password=******** token=xxxxxxxxxxxx")},
		{"a number of tokens", content("max_token: 1234567890")},
		{"where a shell is", content("PWD=/home/me1/x")},
		{"a URL with a port", content("http://localhost:8080/a@b")},
		{"a certificate", content("-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END CERTIFICATE-----")},
		{"an empty password", `{"password":""}`},
		{"a commit", content("0123456789abcdef0123456789abcdef01234567")},
		{"a marker", content("[redacted:jwt]")},
		{"JSON with space in it", " { \"a\" : [ 1 , \"b\" ] } "},
		{"nothing", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := through(t, redact.Middleware(nil), c.data); got != c.data {
				t.Errorf("%s\nbecame %s", c.data, got)
			}
		})
	}
}

func TestWhatIsNotJSONIsLeftToTheLog(t *testing.T) {
	token := "ghp_" + strings.Repeat("aB3d", 9)
	for _, c := range []struct{ name, data string }{
		{"a bad escape that the secret would hide", `{"a":"\q","b":"` + token + `"}`},
		{"a bad escape within the secret", `{"password":"hun\qter2"}`},
		{"a control character", "{\"password\":\"hunter\n2\"}"},
		{"an open string", `{"a":"` + token},
		{"no JSON", token},
		{"two values", `{"a":"` + token + `"}{}`},
		{"half an escape", `{"a":"` + token + `\u00"}`},
		{"bytes that are not UTF-8", "{\"a\":\"" + token + "\xff\"}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := false
			m := redact.Middleware(&redact.Options{Redacted: func(string) { told = true }})
			if got := through(t, m, c.data); got != c.data || told {
				t.Errorf("%q became %q, told of a secret: %v", c.data, got, told)
			}
		})
	}
}

func TestAnEventWithoutSecretsKeepsItsSlice(t *testing.T) {
	given := []byte(content(strings.Repeat("nothing to see here\n", 100)))
	b := &eventlog.Batch{Events: []eventlog.Event{{Data: given}}}
	m := redact.Middleware(nil)(func(_ context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
		if got := b.Events[0].Data; &got[0] != &given[0] || len(got) != len(given) {
			t.Error("the data was copied")
		}
		return eventlog.Appended{}, nil
	})
	if _, err := m(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func TestExtraRules(t *testing.T) {
	var told []string
	m := redact.Middleware(&redact.Options{
		Extra: []redact.Rule{
			{Name: "ticket", Find: regexp.MustCompile(`TCK-([0-9]{4})`), Starts: []string{"tck-"}},
			{Name: "house", Find: regexp.MustCompile(`x*house`)},
			{Name: "name", Key: regexp.MustCompile(`^(first|last)_name$`)},
			{Name: "smile", Find: regexp.MustCompile(`😀!`)},
			{Name: "tail", Find: regexp.MustCompile(`\]tail`)},       // overlaps the end of a marker
			{Name: "redacted", Find: regexp.MustCompile(`redacted`)}, // matches every marker
		},
		Redacted: func(rule string) { told = append(told, rule) },
	})
	got := through(t, m, `{"a":"TCK-1234 tck-1234 TCK-5678 xxhouse, redacted, [redacted:jwt]tail \ud83d\ude00! \ud83d!","first_name":"Ann","names":"Bob"}`)
	want := `{"a":"TCK-[redacted:ticket] tck-1234 TCK-[redacted:ticket] [redacted:house], [redacted:redacted], [redacted:tail] [redacted:smile] \ud83d!","first_name":"[redacted:name]","names":"Bob"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	slices.Sort(told)
	if want := []string{"house", "name", "redacted", "smile", "tail", "ticket", "ticket"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
	if again := through(t, m, got); again != got {
		t.Errorf("redacting again made %s of %s", again, got)
	}
}

func TestAnExtraRuleThatCannotWorkPanics(t *testing.T) {
	find := regexp.MustCompile(`x`)
	for _, c := range []struct {
		name string
		rule redact.Rule
	}{
		{"without a name", redact.Rule{Find: find}},
		{"with a name that JSON would escape", redact.Rule{Name: `a"b`, Find: find}},
		{"without an expression", redact.Rule{Name: "a"}},
		{"with a start of one byte", redact.Rule{Name: "a", Find: find, Starts: []string{"x"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			redact.Middleware(&redact.Options{Extra: []redact.Rule{c.rule}})
		})
	}
}
