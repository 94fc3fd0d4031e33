package find_test

import (
	"encoding/json"
	"os"
	"testing"

	"jrweb/eventlog/find"
)

// How fast events are passed over that do not have a word.
func BenchmarkMay(b *testing.B) {
	source, err := os.ReadFile("may.go")
	if err != nil {
		b.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{"output": string(source)})
	if err != nil {
		b.Fatal(err)
	}
	for name, word := range map[string]string{
		"rare": "jabberwocky", "frequent": "tionarese", "k": "kskskk", "other": "東京", "one": "§",
	} {
		b.Run("word="+name, func(b *testing.B) {
			m := find.NewMatcher(query(b, word))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if m.May(data) {
					b.Fatal("it may")
				}
			}
		})
	}
}
