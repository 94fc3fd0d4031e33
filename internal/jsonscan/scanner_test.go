package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"jrweb/internal/jsonscan"
)

// judged is what a reader of JSON finds in a text.
type judged struct {
	ok      bool
	compact string
	fields  []string // name, value, name, value …
}

// scanned is what the scanner finds in a text.
func scanned(text []byte) (j judged) {
	for _, s := range []jsonscan.Scanner{jsonscan.Object(text), jsonscan.Compacting(text)} {
		j = judged{}
		for s.Next() {
			var name string
			if json.Unmarshal(s.Name, &name) != nil {
				name = "no name: " + string(s.Name)
			}
			j.fields = append(j.fields, name, string(s.Value))
		}
		if s.Next() {
			j.fields = append(j.fields, "there is more after the end")
		}
		if j.ok = s.OK(); j.ok {
			j.compact = string(s.Compact())
		}
	}
	return j
}

// expected is what encoding/json finds in it. Of a text that is wrong, it finds the fields
// before that.
func expected(text []byte) (j judged) {
	var compact bytes.Buffer
	if !utf8.Valid(text) || json.Compact(&compact, text) != nil || compact.Bytes()[0] != '{' {
		return j
	}
	j = judged{ok: true, compact: compact.String()}
	d := json.NewDecoder(bytes.NewReader(text))
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		var value json.RawMessage
		if name, err = d.Token(); err == nil {
			err = d.Decode(&value)
		}
		j.fields = append(j.fields, name.(string), string(value))
	}
	return j
}

func compareWithEncodingJSON(t *testing.T, text []byte) {
	t.Helper()
	before := bytes.Clone(text)
	got, want := scanned(text), expected(text)
	if !got.ok && !want.ok {
		got.fields = nil
	}
	if got.ok != want.ok || got.compact != want.compact || !slices.Equal(got.fields, want.fields) {
		t.Errorf("%.200q:\n got %.500v\nwant %.500v", text, got, want)
	}
	if !bytes.Equal(text, before) {
		t.Errorf("%.200q was changed", before)
	}
}

// jsonTexts are texts for everything that a scanner may get wrong.
func jsonTexts() []string {
	texts := []string{
		``, ` `, `{`, `}`, `[`, `[]`, `"a"`, `1`, `null`, `{}`, ` { } `, "\t\r\n{\n}\n", "{}\v", "{}\u00a0", "\ufeff{}", `{}{}`, `{}x`, `{},`,
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1}}`, `{"a":[1}`, `{"a":[1]]`, `{"a":{"b":1]}`, `{a:1}`, `{1:1}`, `{"a" 1}`, `{"a"::1}`,
		`{"a":[]}`, `{"a":[ ]}`, `{"a":[,]}`, `{"a":[1,]}`, `{"a":[1 , 2]}`, `{"a":{}}`, `{"a":{ "a" : { "a" : [ { } , { } ] } } }`, `{"a":[[[]]]}`,
		`{"a":true}`, `{"a":false}`, `{"a":null}`, `{"a":tru}`, `{"a":True}`, `{"a":nulll}`, `{"a":nul`, `{"a":t}`, `{"a":truefalse}`,
		`{"content":"first","content":"last"}`, `{"content":1,"Content":2,"CONTENT":3}`, `{"\u0063ontent":1}`, `{"content":1,"\u0063onten\u0074":2}`,
		`{"content":{"content":1}}`, `{"tool":{"content":1},"content":2}`, `{"":1}`, `{"\u00e9":1}`, `{"é":2}`, `{"\ud800":1}`, `{"con\u0000tent":1}`,
		`{"content":"x","tool" :	"y" , "a": [1, "a  b", {"x" : 2}] }`, `{"a":"  spaces  kept  "}`, `{ "a" : "\" \\ { [ , : " }`,
		`{"a":"\"\\\/\b\f\n\r\t\u0aFf"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\`, `{"a":"\u`, `{"a":"\U0041"}`, `{"a":"\'"}`,
		`{"a":"` + "\x7f\u2028\u2029\U0001F600" + `"}`, "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xf0\x9f\x98\"}", "{\"a\":\xc3\xa9}",
		`{"a":"\ud83d\ude00\ud800"}`, "{\"a\xff\":1}",
	}
	for _, number := range []string{"0", "-0", "00", "01", "-01", "1", "-", "+1", ".5", "1.", "1.5", "-1.50", "1e5", "1E+5", "1e-5", "1e", "1e+", "1.e5", "0e0", "0x1", "1_0", "1e999", "-a", "Infinity", "NaN", "1 2", "12345678901234567890123"} {
		texts = append(texts, `{"a":`+number+`}`, `{"a":[`+number+`,0]}`, `{"a":`+number)
	}
	return texts
}

// everyByte are texts with each byte at every place of the eight bytes of a string that are
// read together, after these, and between tokens.
func everyByte() (texts []string) {
	for c := range 256 {
		for n := range 10 {
			texts = append(texts, `{"a":"`+strings.Repeat("x", n)+string([]byte{byte(c)})+strings.Repeat("y", 9-n)+`"}`)
		}
		texts = append(texts, string([]byte{byte(c)})+`{}`, `{`+string([]byte{byte(c)})+`}`, `{"a":`+string([]byte{byte(c)})+`}`, `{"a":1`+string([]byte{byte(c)})+`}`)
	}
	return texts
}

// nests is how deep a text may nest, by encoding/json.
const nests = 10_000

// nested are texts that are nested as deep as allowed, or deeper.
func nested() (texts []string) {
	for _, n := range []int{nests - 2, nests - 1, nests} {
		texts = append(texts, `{"a":`+strings.Repeat("[", n)+strings.Repeat("]", n)+`}`, strings.Repeat(`{"a":`, n)+"{}"+strings.Repeat("}", n))
	}
	return texts
}

func TestScanJudgesAsEncodingJSONDoes(t *testing.T) {
	for _, text := range slices.Concat(jsonTexts(), everyByte(), nested()) {
		compareWithEncodingJSON(t, []byte(text))
	}
	whole := `{ "content" : "a\n\u0041é" , "tool":[ 1.5e-3, true ,{"a":null}] }`
	for i := range whole {
		compareWithEncodingJSON(t, []byte(whole[:i]))
		compareWithEncodingJSON(t, []byte(whole[:i]+whole[i+1:]))
		compareWithEncodingJSON(t, slices.Concat([]byte(whole[:i]), []byte(" "), []byte(whole[i:])))
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range jsonTexts() {
		f.Add([]byte(text))
	}
	f.Fuzz(compareWithEncodingJSON)
}

func BenchmarkScan(b *testing.B) {
	for _, size := range []int{300, 30_000} {
		plain := fmt.Appendf(nil, `{"content":"%s"}`, strings.Repeat("x", size-14))
		spaced := fmt.Appendf(nil, `{"args": {%s"last": [1, 2]}, "tool": "sh"}`, strings.Repeat(`"name": "value", `, size/17))
		for name, text := range map[string][]byte{"text": plain, "spaced": spaced} {
			b.Run(fmt.Sprintf("%s/bytes=%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					s := jsonscan.Compacting(text)
					for s.Next() {
					}
					if !s.OK() || len(s.Compact()) == 0 {
						b.Fatal("not taken")
					}
				}
			})
		}
	}
}
