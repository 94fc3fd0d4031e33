package transcript_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
			got := lines(events)
			got = fmt.Appendf(got, "%+v\nfailure %q\n%+v\n", c.Origin(), c.Failure(), c.Stats())
			path := filepath.Join("testdata", string(format)+".golden")
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
		})
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
