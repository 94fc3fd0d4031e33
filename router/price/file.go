package price

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// file is what a file of prices says.
type file struct {
	date    string
	replace bool
	models  map[string]Price
}

// mostPrice is far above what any million tokens costs: a higher price is one of a
// token, or of another currency.
const mostPrice = 100_000

// parser reads a file token by token, so that an error can name its line.
type parser struct {
	text    []byte
	decoder *json.Decoder
	file    file
}

func parse(text []byte) (file, error) {
	p := &parser{text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	p.decoder.UseNumber()
	p.file.models = map[string]Price{}
	if err := p.object("", p.member); err != nil {
		return file{}, err
	}
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return file{}, p.wrong("", "there is something behind the object")
	}
	return p.file, nil
}

func (p *parser) member(name string) error {
	switch name {
	case "date":
		if err := p.value(name, &p.file.date, "a string"); err != nil {
			return err
		}
		if _, err := time.Parse(time.DateOnly, p.file.date); err != nil {
			return p.wrong(name, "must be a day as 2026-11-26")
		}
		return nil
	case "replace":
		return p.value(name, &p.file.replace, "true or false")
	case "sources", "notes":
		return p.value(name, &[]string{}, "a list of strings")
	case "models":
		return p.object(name, p.model)
	}
	return p.wrong(name, "is not known here; known are date, sources, notes, replace and models")
}

func (p *parser) model(name string) error {
	key := strings.ToLower(name)
	if strings.TrimSpace(key) == "" {
		return p.wrong("models", "a model needs a name")
	}
	if _, twice := p.file.models[key]; twice {
		return p.wrong(name, "is there twice")
	}
	given := map[string]float64{}
	err := p.object(name, func(kind string) error {
		switch kind {
		case "input", "cached", "cache_write", "output":
		default:
			return p.wrong(name+"."+kind, "is not known here; known are input, cached, cache_write and output")
		}
		var number json.Number
		if err := p.value(name+"."+kind, &number, "a number"); err != nil {
			return err
		}
		dollars, err := number.Float64()
		if err != nil || dollars < 0 || dollars > mostPrice || math.IsNaN(dollars) {
			return p.wrong(name+"."+kind, fmt.Sprintf("must be US dollars per million tokens, from 0 to %d", mostPrice))
		}
		if _, twice := given[kind]; twice {
			return p.wrong(name+"."+kind, "is there twice")
		}
		given[kind] = dollars
		return nil
	})
	if err != nil {
		return err
	}
	for _, kind := range []string{"input", "output"} {
		if _, there := given[kind]; !there {
			return p.wrong(name+"."+kind, "is missing")
		}
	}
	for _, kind := range []string{"cached", "cache_write"} {
		if _, there := given[kind]; !there {
			given[kind] = given["input"]
		}
	}
	p.file.models[key] = Price{given["input"], given["cached"], given["cache_write"], given["output"]}
	return nil
}

// object reads an object, and hands each name to a function that reads its value.
func (p *parser) object(what string, member func(name string) error) error {
	token, err := p.decoder.Token()
	if err != nil {
		return p.malformed(err)
	}
	if token != json.Delim('{') {
		return p.wrong(what, "must be an object")
	}
	for p.decoder.More() {
		name, err := p.decoder.Token()
		if err != nil {
			return p.malformed(err)
		}
		if err := member(name.(string)); err != nil {
			return err
		}
	}
	if _, err := p.decoder.Token(); err != nil {
		return p.malformed(err)
	}
	return nil
}

func (p *parser) value(what string, to any, kind string) error {
	var raw json.RawMessage
	if err := p.decoder.Decode(&raw); err != nil {
		return p.malformed(err)
	}
	if _, isNumber := to.(*json.Number); string(raw) == "null" || isNumber && raw[0] == '"' || json.Unmarshal(raw, to) != nil {
		return p.wrong(what, "must be "+kind)
	}
	return nil
}

func (p *parser) malformed(err error) error {
	at := p.decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("line %d: the file ends in the middle", p.line(int64(len(p.text))))
	}
	return fmt.Errorf("line %d: not JSON: %w", p.line(at), err)
}

// wrong is an error of what was read last.
func (p *parser) wrong(field, reason string) error {
	text := reason
	if field != "" {
		text = field + " " + reason
	}
	return fmt.Errorf("line %d: %s", p.line(p.decoder.InputOffset()), text)
}

func (p *parser) line(at int64) int {
	return 1 + bytes.Count(p.text[:min(int(at), len(p.text))], []byte("\n"))
}
