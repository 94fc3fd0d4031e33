package steer

import (
	"strings"

	"jrweb/eventlog/transcript"
)

// plain is a program that reads lines.
type plain struct{}

func (plain) Format() transcript.Format { return transcript.Auto }

func (plain) Begin() Does { return Does{} }

func (plain) Input(line []byte) Does { return Does{Write: []Parcel{{Bytes: line}}} }

// InputEnded leaves the input open: people may have more to say.
func (plain) InputEnded() Does { return Does{} }

func (plain) Say(m Message) Does {
	// Only what a person can see: a terminal, if there is one behind, acts on the rest.
	text := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, m.Text)
	return Does{Write: []Parcel{{Bytes: []byte(text + "\n"), Of: m.Sequence}}}
}

func (p plain) Answer(_ string, m Message) Does { return p.Say(m) }

func (plain) Hear([]byte) Does { return Does{} }

func (plain) Next(int) ([]string, []uint64) { return nil, nil }
