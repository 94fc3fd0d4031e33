package main

import (
	"strings"

	"github.com/urfave/cli/v3"
)

// variable is the environment variable of a flag. It remembers whether the flag's value
// is its.
type variable struct {
	cli.ValueSource
	key  string
	read bool
}

// env names the environment variable of a flag: max-streams is JRWEB_MAX_STREAMS.
func env(flag string) cli.ValueSourceChain {
	key := "JRWEB_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	return cli.NewValueSourceChain(&variable{ValueSource: cli.EnvVar(key), key: key})
}

// Lookup implements [cli.ValueSource]. It is called only if the command line does not
// have the flag.
func (v *variable) Lookup() (string, bool) {
	text, found := v.ValueSource.Lookup()
	v.read = v.read || found
	return text, found
}

// IsFromEnv and Key implement [cli.EnvValueSource].
func (*variable) IsFromEnv() bool { return true }
func (v *variable) Key() string   { return v.key }

// given reports whether a flag stands on the command line. An environment variable is for
// all commands that may come: where it does not fit, it is ignored without an error.
func given(c *cli.Command, flag string) bool {
	if !c.IsSet(flag) {
		return false
	}
	for _, f := range c.Flags {
		if f.Names()[0] != flag {
			continue
		}
		var from cli.ValueSourceChain
		switch f := f.(type) {
		case *cli.StringFlag:
			from = f.Sources
		case *cli.BoolFlag:
			from = f.Sources
		case *cli.IntFlag:
			from = f.Sources
		}
		for _, source := range from.Chain {
			if v, is := source.(*variable); is && v.read {
				return false
			}
		}
	}
	return true
}

// choice returns which of some flags that exclude each other counts, "" for none. One on
// the command line counts more than one of the environment.
func choice(c *cli.Command, flags ...string) (string, error) {
	for _, want := range []bool{true, false} {
		which := ""
		for _, flag := range flags {
			off := !c.IsSet(flag)
			if value, isBool := c.Value(flag).(bool); isBool {
				off = !value
			}
			switch {
			case off || given(c, flag) != want:
			case which != "":
				return "", usagef("-%s and -%s: give only one of them", which, flag)
			default:
				which = flag
			}
		}
		if which != "" {
			return which, nil
		}
	}
	return "", nil
}
