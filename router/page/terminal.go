package page

import (
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// terminalHTML renders what a program printed to a terminal: colours become
// classes of assets/terminal.css, a line that was written over (a progress bar)
// shows what stood there last, and all other control sequences are left out.
func terminalHTML(text string) template.HTML {
	s := screen{}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == 0x1b:
			i += s.escape(text[i:])
		case c == '\n':
			s.newline()
			i++
		case c == '\r':
			s.returned = true
			i++
		case c == '\b':
			s.back()
			i++
		case c == '\t' || c >= ' ' && c != 0x7f:
			end := i + 1
			for end < len(text) && (text[end] == '\t' || text[end] >= ' ' && text[end] != 0x7f) {
				end++
			}
			s.print(text[i:end])
			i = end
		default: // bells and the like
			i++
		}
	}
	s.flush()
	return template.HTML(s.out.String()) // every text in it went through escape
}

// escapes match the control sequences of a terminal, as withoutEscapes in format.js does.
var escapes = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])`)

// withoutEscapes takes a terminal's colour and cursor codes out.
func withoutEscapes(text string) string { return escapes.ReplaceAllString(text, "") }

// screen is the line that is being written, and the lines before it.
type screen struct {
	out      strings.Builder
	line     []stretch
	style    style
	returned bool // the cursor is at the start of the line
}

// stretch is text in one style.
type stretch struct {
	style style
	text  string
}

// style is how text looks. Colours are 1 more than their number, 0 is none.
type style struct {
	fg, bg                                        uint8
	bold, dim, italic, underline, struck, inverse bool
}

func (s *screen) print(text string) {
	if s.returned {
		s.line, s.returned = nil, false
	}
	// U+0080 to U+009F are control characters, too.
	text = strings.Map(func(r rune) rune {
		if r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, text)
	s.line = append(s.line, stretch{s.style, text})
}

func (s *screen) back() {
	if n := len(s.line); n > 0 {
		last := &s.line[n-1]
		_, size := utf8.DecodeLastRuneInString(last.text)
		if last.text = last.text[:len(last.text)-size]; last.text == "" {
			s.line = s.line[:n-1]
		}
	}
}

func (s *screen) newline() {
	s.flush()
	s.out.WriteByte('\n')
}

func (s *screen) flush() {
	for i := 0; i < len(s.line); {
		end := i + 1
		for end < len(s.line) && s.line[end].style == s.line[i].style {
			end++
		}
		classes := s.line[i].style.classes()
		if classes != "" {
			s.out.WriteString(`<span class="` + classes + `">`)
		}
		for ; i < end; i++ {
			writeEscaped(&s.out, s.line[i].text)
		}
		if classes != "" {
			s.out.WriteString("</span>")
		}
	}
	s.line, s.returned = nil, false
}

// escape reads the escape sequence at the start of text and returns its length.
func (s *screen) escape(text string) int {
	if len(text) < 2 {
		return len(text)
	}
	switch text[1] {
	case '[':
		end := 2
		for end < len(text) && text[end] >= 0x20 && text[end] < 0x40 {
			end++
		}
		if end == len(text) {
			return end
		}
		if text[end] < 0x40 || text[end] > 0x7e {
			return end // broken off: what breaks it counts
		}
		if text[end] == 'm' {
			s.style.set(text[2:end])
		}
		return end + 1
	case ']', 'P', 'X', '^', '_': // strings: they end with BEL or ESC \
		for end := 2; end < len(text); end++ {
			switch {
			case text[end] == 0x07:
				return end + 1
			case text[end] == 0x1b:
				if end+1 < len(text) && text[end+1] == '\\' {
					return end + 2
				}
				return end
			case text[end] == '\n': // never ended: the output goes on here
				return end
			}
		}
		return len(text)
	case '(', ')', '*', '+', '#', '%', ' ':
		return min(3, len(text))
	}
	if text[1] >= 0x30 && text[1] < 0x7f {
		return 2
	}
	return 1
}

// set changes the style by the parameters of a "select graphic rendition".
func (st *style) set(parameters string) {
	codes := strings.FieldsFunc(parameters, func(r rune) bool { return r == ';' || r == ':' })
	if len(codes) == 0 {
		*st = style{}
		return
	}
	for i := 0; i < len(codes); i++ {
		code, err := strconv.Atoi(codes[i])
		if err != nil {
			return
		}
		switch {
		case code == 0:
			*st = style{}
		case code == 1:
			st.bold = true
		case code == 2:
			st.dim = true
		case code == 3:
			st.italic = true
		case code == 4:
			st.underline = true
		case code == 7:
			st.inverse = true
		case code == 9:
			st.struck = true
		case code == 22:
			st.bold, st.dim = false, false
		case code == 23:
			st.italic = false
		case code == 24:
			st.underline = false
		case code == 27:
			st.inverse = false
		case code == 29:
			st.struck = false
		case code >= 30 && code <= 37:
			st.fg = uint8(code - 30 + 1)
		case code >= 90 && code <= 97:
			st.fg = uint8(code - 90 + 8 + 1)
		case code == 39:
			st.fg = 0
		case code >= 40 && code <= 47:
			st.bg = uint8(code - 40 + 1)
		case code >= 100 && code <= 107:
			st.bg = uint8(code - 100 + 8 + 1)
		case code == 49:
			st.bg = 0
		case code == 38 || code == 48:
			color, used := extendedColor(codes[i+1:])
			if code == 38 {
				st.fg = color
			} else {
				st.bg = color
			}
			i += used
		}
	}
}

// extendedColor reads "5;n" or "2;r;g;b". A page without inline style cannot show
// 16 million colours; the nearest of the 16 keeps its contrast with the ground.
func extendedColor(codes []string) (color uint8, used int) {
	number := func(i int) int {
		if i >= len(codes) {
			return 0
		}
		n, err := strconv.Atoi(codes[i])
		if err != nil {
			return 0
		}
		return min(max(n, 0), 255)
	}
	switch {
	case len(codes) == 0:
		return 0, 0
	case codes[0] == "5":
		n := number(1)
		switch {
		case n < 16:
			return uint8(n) + 1, 2
		case n >= 232:
			level := 8 + 10*(n-232)
			return nearest(level, level, level), 2
		}
		n -= 16
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		return nearest(level(n/36), level(n/6%6), level(n%6)), 2
	case codes[0] == "2":
		return nearest(number(1), number(2), number(3)), 4
	}
	return 0, 1
}

// nearest returns the one of the 16 colours that comes closest, plus 1.
func nearest(r, g, b int) uint8 {
	high, low := max(r, g, b), min(r, g, b)
	if high-low < 48 { // grey
		switch {
		case high < 64:
			return 0 + 1
		case high < 144:
			return 8 + 1
		case high < 224:
			return 7 + 1
		}
		return 15 + 1
	}
	color, middle := uint8(0), (high+low)/2
	for bit, v := range []int{r, g, b} {
		if v > middle {
			color |= 1 << bit
		}
	}
	if high > 208 {
		color += 8
	}
	return color + 1
}

func (st style) classes() string {
	var names []string
	if st.fg > 0 {
		names = append(names, "t-fg"+strconv.Itoa(int(st.fg-1)))
	}
	if st.bg > 0 {
		names = append(names, "t-bg"+strconv.Itoa(int(st.bg-1)))
	}
	for _, flag := range []struct {
		on   bool
		name string
	}{
		{st.bold, "t-bold"}, {st.dim, "t-dim"}, {st.italic, "t-italic"},
		{st.underline, "t-underline"}, {st.struck, "t-struck"}, {st.inverse, "t-inverse"},
	} {
		if flag.on {
			names = append(names, flag.name)
		}
	}
	return strings.Join(names, " ")
}
