package clusterstore

import "testing"

func TestAnOlderEngineIsKnown(t *testing.T) {
	for version, older := range map[string]bool{
		"2.15.3": false, "2.15.4": false, "2.16.0": false, "3.0.0": false, "2.15.10": false, "2.15.3-RC.1": false, "dev": false,
		"2.15.2": true, "2.9.25": true, "1.4.1": true, "2.15": true, "2.14.9-beta": true,
	} {
		if got := olderThan(version, oldestEngine); got != older {
			t.Errorf("%s is older: %t", version, got)
		}
	}
}
