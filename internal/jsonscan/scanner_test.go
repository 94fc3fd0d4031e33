package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// scanned is what a scanner finds in a text. If the text is wrong, the fields before that do
// not count.
func scanned(s jsonscan.Scanner) (j judged) {
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
	if !s.OK() {
		return judged{}
	}
	j.ok, j.compact = true, string(s.Compact())
	return j
}

// expected is what encoding/json finds in a text.
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
	want := expected(text)
	compacting, object := scanned(jsonscan.Compacting(text)), scanned(jsonscan.Object(text))
	object.compact = want.compact // it makes no copy
	for what, got := range map[string]judged{"Compacting": compacting, "Object": object} {
		if got.ok != want.ok || got.compact != want.compact || !slices.Equal(got.fields, want.fields) {
			t.Errorf("%s, %.200q:\n got %.500v\nwant %.500v", what, text, got, want)
		}
	}
	if !bytes.Equal(text, before) {
		t.Errorf("%.200q was changed", before)
	}
}

// objects is what a scanner finds in a text that should be an array: the objects before the
// first thing that is none, and whether the text is an array of them.
func objects(text []byte) (found []judged, ok bool) {
	s := jsonscan.Objects(text)
	for s.NextObject() {
		var fields []string
		for s.Next() {
			fields = append(fields, string(jsonscan.String(s.Name)), string(s.Value))
			if cap(s.Value) != len(s.Value) {
				fields = append(fields, "what is appended to this value changes the text")
			}
		}
		if !s.OK() {
			break
		}
		found = append(found, judged{ok: true, fields: fields})
	}
	if s.NextObject() || s.Next() {
		found = append(found, judged{fields: []string{"there is more after the end"}})
	}
	return found, s.OK()
}

// expectedObjects is what encoding/json finds in a text that should be an array of objects. It
// reads one element after the other, because each may nest as deep as a text of its own.
func expectedObjects(text []byte) (found []judged, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return nil, false
	}
	for d.More() {
		var element json.RawMessage
		if d.Decode(&element) != nil {
			return found, false
		}
		object := expected(element)
		if !object.ok {
			return found, false
		}
		object.compact = ""
		found = append(found, object)
	}
	if _, err := d.Token(); err != nil {
		return found, false
	}
	_, err := d.Token()
	return found, errors.Is(err, io.EOF)
}

func compareObjectsWithEncodingJSON(t *testing.T, text []byte) {
	t.Helper()
	got, ok := objects(text)
	want, wantOK := expectedObjects(text)
	same := func(a, b judged) bool { return a.ok == b.ok && slices.Equal(a.fields, b.fields) }
	if ok != wantOK || !slices.EqualFunc(got, want, same) {
		t.Errorf("%.200q:\n got %t %.500v\nwant %t %.500v", text, ok, got, wantOK, want)
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

// arrays are texts of arrays with a text in them, at all places where an object may be.
func arrays(text string) []string {
	return []string{text, "[" + text + "]", `[{"x":1},` + text + "]", "[" + text + ` , {} ]`, "[" + text + "]]", "[" + text, "[]" + text, text + "[]", "[{}" + text + "{}]"}
}

func TestObjectsOfAnArrayAreThoseOfEncodingJSON(t *testing.T) {
	for _, text := range slices.Concat(jsonTexts(), everyByte(), nested()) {
		for _, array := range arrays(text) {
			compareObjectsWithEncodingJSON(t, []byte(array))
		}
	}
	for _, text := range []string{
		"[ ]", "\r\n[\t] \n", "[,]", "[,{}]", "[{},]", "[{},,{}]", "[{}{}]", "[{} {}]", "[{}:{}]", "[{}}", "[}", "[]\x00", "[\x00]", "\x00[]", "[]\v", "[\u00a0]",
		"\ufeff[]", "[\ufeff{}]", "[{}\xff]", "[]\xff", "[{}],", "[][]", "[[{}]]", "[{},[{}]]", "[null,{}]", "[{},1e999]", `[{},"\ud800"]`, `{"a":[{}]}`, `[{"a":1]}`,
	} {
		compareObjectsWithEncodingJSON(t, []byte(text))
	}
	whole := ` [ { "content" : "a\n\u0041é" , "content":[ 1.5e-3, true ,{"a":null}] } ,{}, {"":"\ud800"}] `
	for i := range whole {
		compareObjectsWithEncodingJSON(t, []byte(whole[:i]))
		compareObjectsWithEncodingJSON(t, []byte(whole[:i]+whole[i+1:]))
		for _, more := range []string{" ", ",", "]", "{", "}", "\"", "\x00", "\xff"} {
			compareObjectsWithEncodingJSON(t, []byte(whole[:i]+more+whole[i:]))
		}
	}
}

// What a caller leaves of an object must not become the next one, or a way past the scan.
func TestFieldsThatNobodyReadsAreScanned(t *testing.T) {
	for text, want := range map[string]int{`[{"a":1,"b":[2]},{},{"a":3}]`: 3, `[{"a":1,"b":2 2},{}]`: 1, `[{"a":1,{"b":2}}]`: 1} {
		for _, read := range []int{0, 1} {
			s, n := jsonscan.Objects([]byte(text)), 0
			for s.NextObject() {
				n++
				for range read {
					s.Next()
				}
			}
			if n != want || s.OK() != (want == 3) {
				t.Errorf("%s: %d objects, %t, when %d fields are read", text, n, s.OK(), read)
			}
		}
	}
}

func FuzzObjects(f *testing.F) {
	for _, text := range jsonTexts() {
		for _, array := range arrays(text) {
			f.Add([]byte(array))
		}
	}
	f.Fuzz(compareObjectsWithEncodingJSON)
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
