package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func TestTheFileIsWhatThisProgramPrints(t *testing.T) {
	want, err := render()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("jrweb.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("jrweb.json is not what the program prints: run go run . > jrweb.json in deploy/grafana")
	}
}

// Grafana's own types read the file strictly: no field that they do not know, no value
// of another type, and none that their constraints forbid.
func TestGrafanasLibraryReadsTheFile(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile("jrweb.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard.Dashboard
	// Its error is never nil, but empty if there is none.
	if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
}
