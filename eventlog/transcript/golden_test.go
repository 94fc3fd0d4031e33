package transcript_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog/transcript"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldenFilesOfAllFormats(t *testing.T) {
	for _, format := range realFormats() {
		t.Run(string(format), func(t *testing.T) {
			c := converter(t, format, nil)
			events := feed(c, fixture(t, format), 0)
			for _, e := range events {
				checkEvent(t, e, 4<<20)
			}
			got := fmt.Appendf(lines(events), "%+v\n%+v\n%+v\n", c.Origin(), c.Outcome(), c.Stats())
			checkGolden(t, filepath.Join("testdata", string(format)+".golden"), got)
		})
	}
}

// checkGolden compares with a golden file, or rewrites it.
func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Each file of testdata/inputs has its golden file beside it. They are small inputs
// of kinds that came out wrong once.
func TestGoldenFilesOfInputs(t *testing.T) {
	err := filepath.WalkDir("testdata/inputs", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".golden") || strings.HasSuffix(path, ".meta.json") {
			return err
		}
		t.Run(path, func(t *testing.T) {
			input, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c := converter(t, transcript.Auto, nil)
			events := feed(c, input, 0)
			for _, e := range events {
				checkEvent(t, e, 4<<20)
			}
			got := fmt.Appendf(lines(events), "%s\n%+v\n%+v\n%+v\n", c.Format(), c.Origin(), c.Outcome(), c.Stats())
			checkGolden(t, path+".golden", got)
			if again := lines(feed(converter(t, transcript.Auto, nil), input, 7)); !bytes.Equal(again, lines(events)) {
				t.Errorf("in small chunks:\n%s\nat once:\n%s", again, lines(events))
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheFormatIsFoundFromTheFirstLines(t *testing.T) {
	for _, format := range realFormats() {
		t.Run(string(format), func(t *testing.T) {
			c := converter(t, transcript.Auto, nil)
			got := lines(feed(c, fixture(t, format), 0))
			if c.Format() != format {
				t.Fatalf("taken for %s", c.Format())
			}
			if want := lines(feed(converter(t, format, nil), fixture(t, format), 0)); !bytes.Equal(got, want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestChunksAndHalfLinesMakeNoDifference(t *testing.T) {
	for _, format := range realFormats() {
		t.Run(string(format), func(t *testing.T) {
			want := lines(feed(converter(t, format, nil), fixture(t, format), 0))
			for _, chunk := range []int{1, 7, 1000} {
				if got := lines(feed(converter(t, format, nil), fixture(t, format), chunk)); !bytes.Equal(got, want) {
					t.Errorf("in chunks of %d: got:\n%s\nwant:\n%s", chunk, got, want)
				}
			}
		})
	}
}
