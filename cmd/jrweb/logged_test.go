package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingThatIsLoggedActsOnTheTerminal(t *testing.T) {
	hostile := "a\x1b[2Jb\u009b1mc\u202ed\r\ne\x7f\u2028f\xff"
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		logger := slog.New(logHandler(&out, format, slog.LevelInfo))
		logger.Info("request "+hostile, "path", hostile, "error", errors.New(hostile), "bytes", 12)
		if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), hidden) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %q", format, out.String())
		}
		if !strings.Contains(out.String(), "12") || !strings.Contains(out.String(), "x1b[2Jb") && !strings.Contains(out.String(), `\x1b[2Jb`) {
			t.Errorf("%s: %q", format, out.String())
		}
	}
}
