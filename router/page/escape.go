package page

import (
	"html/template"
	"strings"
)

// escaper makes text of markup. A NUL must not be in a document, and a carriage
// return would become a line break.
var escaper = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;",
	"\x00", "\uFFFD", "\r\n", "\n", "\r", "\n",
)

// writeEscaped is the only way by which text gets into what is built by hand.
func writeEscaped(b *strings.Builder, text string) {
	escaper.WriteString(b, text) //nolint:errcheck // a Builder takes everything
}

// escaped is text as markup that shows it.
func escaped(text string) template.HTML { return template.HTML(escaper.Replace(text)) }
