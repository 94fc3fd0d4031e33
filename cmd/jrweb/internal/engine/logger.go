package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// logger passes on what a server says. What it takes for a warning is mostly a matter of its
// start, and of use only to a person who looks for a fault.
type logger struct {
	to    *slog.Logger
	fatal atomic.Pointer[string] // what the server cannot go on with
}

func (l *logger) say(level slog.Level, format string, v []any) {
	l.to.Log(context.Background(), level, "engine: "+fmt.Sprintf(format, v...))
}

// Fatalf implements [server.Logger]. The server goes on as if this had ended the process.
func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &text)
	l.say(slog.LevelError, format, v)
}

// Errorf implements [server.Logger].
func (l *logger) Errorf(format string, v ...any) { l.say(slog.LevelWarn, format, v) }

// Warnf implements [server.Logger].
func (l *logger) Warnf(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Noticef implements [server.Logger].
func (l *logger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Debugf implements [server.Logger].
func (l *logger) Debugf(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Tracef implements [server.Logger].
func (l *logger) Tracef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
