// Command grafana prints the dashboard of jrweb, made with Grafana's own library for
// dashboards, which knows what a panel may say:
//
//	cd deploy/grafana && go run . > jrweb.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	text, err := render()
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

// render returns the JSON that Grafana imports.
func render() ([]byte, error) {
	d, err := build()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}
