package page

import (
	"html/template"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

const (
	// highlightedAtMost is how many bytes of one block are coloured, and in lines
	// of which length: beyond it, colours cost more than they tell.
	highlightedAtMost = 16 << 10
	longestLine       = 500
)

// highlightTime is how long the colouring of one event may take. The lexers are
// made of regular expressions that backtrack, and agents print anything.
var highlightTime = 100 * time.Millisecond

// stopwatch bounds the time that the blocks of one event take together. It runs
// from the first token on: before it, a lexer is built once for all.
type stopwatch struct{ until time.Time }

func (w *stopwatch) start() {
	if w.until.IsZero() {
		w.until = time.Now().Add(highlightTime)
	}
}

func (w *stopwatch) expired() bool { return !w.until.IsZero() && time.Now().After(w.until) }

// lexersByName finds lexers by a language's names and by the names of files, in
// lower case. The registry's own search tries hundreds of patterns each time.
var lexersByName = sync.OnceValue(func() map[string]chroma.Lexer {
	found := map[string]chroma.Lexer{}
	add := func(name string, lexer chroma.Lexer) {
		name = strings.ToLower(name)
		if first := found[name]; first == nil || priority(lexer) > priority(first) {
			found[name] = lexer
		}
	}
	for _, lexer := range lexers.GlobalLexerRegistry.Lexers {
		config := lexer.Config()
		add(config.Name, lexer)
		for _, alias := range config.Aliases {
			add(alias, lexer)
		}
		for _, pattern := range slices.Concat(config.Filenames, config.AliasFilenames) {
			if extension := strings.TrimPrefix(pattern, "*"); !strings.ContainsAny(extension, "*?[") {
				add(extension, lexer)
			}
		}
	}
	for _, plain := range []string{"text", "txt", "plain", "plaintext", "output", "console", ".txt"} {
		delete(found, plain)
	}
	return found
})

func priority(lexer chroma.Lexer) float32 {
	if p := lexer.Config().Priority; p > 0 {
		return p
	}
	return 1
}

// lexerOf finds the lexer of a language; nil when there is none.
func lexerOf(language string) chroma.Lexer {
	names := lexersByName()
	language = strings.ToLower(language)
	if lexer := names[language]; lexer != nil {
		return lexer
	}
	return names["."+language]
}

// lexerOfFile finds the lexer of a file by its name.
func lexerOfFile(name string) chroma.Lexer {
	names := lexersByName()
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	if extension := path.Ext(base); extension != "" {
		return names[extension]
	}
	return names[base] // a Makefile
}

// codeHTML renders code in colour, with the classes of assets/syntax.css; as plain
// text without a lexer.
func codeHTML(code string, lexer chroma.Lexer, watch *stopwatch) template.HTML {
	if lexer == nil || len(code) > highlightedAtMost || hasLongLine(code) || watch.expired() {
		return escaped(code)
	}
	var b strings.Builder
	if !highlight(&b, code, lexer, watch) {
		return escaped(code)
	}
	return template.HTML(b.String()) // every text in it went through writeEscaped
}

func hasLongLine(code string) bool {
	for line := range strings.Lines(code) {
		if len(line) > longestLine {
			return true
		}
	}
	return false
}

// highlight writes the coloured code. It reports false when it had to give up.
func highlight(b *strings.Builder, code string, lexer chroma.Lexer, watch *stopwatch) (ok bool) {
	defer func() {
		if recover() != nil { // lexers panic when their rules are wrong for a text
			ok = false
		}
	}()
	tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, code)
	if err != nil {
		return false
	}
	written := 0
	for token := tokens(); token != chroma.EOF; token = tokens() {
		written += len(token.Value)
		writeSpan(b, syntaxClass(token.Type), token.Value)
		watch.start()
		if watch.expired() {
			break
		}
	}
	if written > len(code) {
		return false
	}
	writeEscaped(b, code[written:])
	return true
}

func writeSpan(b *strings.Builder, class, text string) {
	if class == "" {
		writeEscaped(b, text)
		return
	}
	b.WriteString(`<span class="` + class + `">`)
	writeEscaped(b, text)
	b.WriteString("</span>")
}

// syntaxClass is the class of a token. A few colours read better than all that
// the lexers tell apart, and what has none costs no markup.
func syntaxClass(t chroma.TokenType) string {
	switch {
	case t == chroma.KeywordType || t == chroma.NameClass || t == chroma.NameNamespace:
		return "s-type"
	case t == chroma.NameFunction || t == chroma.NameFunctionMagic || t == chroma.NameTag || t == chroma.GenericHeading || t == chroma.GenericSubheading:
		return "s-name"
	case t == chroma.NameAttribute || t == chroma.NameDecorator || t == chroma.NameProperty || t == chroma.NameBuiltin || t == chroma.NameBuiltinPseudo:
		return "s-prop"
	case t == chroma.GenericDeleted:
		return "s-deleted"
	case t == chroma.GenericInserted:
		return "s-inserted"
	case t == chroma.CommentPreproc || t.InCategory(chroma.Keyword) || t == chroma.OperatorWord:
		return "s-word"
	case t.InCategory(chroma.Comment):
		return "s-comment"
	case t.InSubCategory(chroma.LiteralString):
		return "s-string"
	case t.InSubCategory(chroma.LiteralNumber) || t == chroma.NameConstant:
		return "s-number"
	}
	return ""
}
