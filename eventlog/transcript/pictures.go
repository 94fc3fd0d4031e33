package transcript

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
)

// leastPicture is how long an image in a text must be, in base64, to be taken out of it.
// Shorter ones, such as the dots in style sheets, do not hide their text, and belong to it. A
// block that says that it is an image may have any length.
const leastPicture = 64

// shortestBlock is how long a block is at least, with nothing in it.
const shortestBlock = len(`{"type":"image","data":""}`)

// mostPictures bounds how many images are taken out of one text, and mostDeep how deep in
// JSON they are looked for.
const (
	mostPictures = 100
	mostDeep     = 16
)

// pictureMarks are the beginnings of images in base64.
var pictureMarks = []struct{ begin, media string }{
	{"iVBORw0KGgo", "image/png"}, {"/9j/", "image/jpeg"}, {"R0lGODlh", "image/gif"}, {"R0lGODdh", "image/gif"}, {"UklGR", "image/webp"},
}

// pictures takes images out of a text: data URLs, and JSON that has blocks of images, as
// tools give them to models. Each leaves "[image]" in its place. What has none stays as it
// is, byte for byte.
func pictures(text string) (string, []json.RawMessage) {
	if !mayHavePicture(text) {
		return text, nil
	}
	p := &pictureTaker{}
	trimmed := strings.TrimSpace(text)
	if media := pictureMedia(trimmed); media != "" && p.take(media, trimmed) {
		return "[image]", p.parts
	}
	if opensValue([]byte(trimmed)) && json.Valid([]byte(trimmed)) {
		if short := p.json(json.RawMessage(trimmed), 0); len(p.parts) > 0 {
			return p.said(trimmed, string(short)), p.parts
		}
		return text, nil
	}
	return p.urls(text), p.parts
}

func mayHavePicture(text string) bool {
	if len(text) < shortestBlock {
		return false
	}
	if strings.Contains(text, "image/") || strings.Contains(text, `"image`) {
		return true
	}
	for _, mark := range pictureMarks {
		if strings.Contains(text, mark.begin) {
			return true
		}
	}
	return false
}

// pictureMedia returns the type of an image in base64, "" for any other text.
func pictureMedia(text string) string {
	if len(text) < leastPicture {
		return ""
	}
	for _, mark := range pictureMarks {
		if strings.HasPrefix(text, mark.begin) {
			return mark.media
		}
	}
	return ""
}

type pictureTaker struct{ parts []json.RawMessage }

// take adds an image if its text is base64.
func (p *pictureTaker) take(media, encoded string) bool {
	if len(p.parts) == mostPictures || !isBase64(encoded) {
		return false
	}
	p.parts = append(p.parts, imagePart(media, encoded))
	return true
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		_, err = base64.RawStdEncoding.DecodeString(text)
	}
	return err == nil
}

// said returns the words of what a tool gave back, if the JSON is content as models get
// it; else the JSON without its images.
func (p *pictureTaker) said(whole, short string) string {
	raw := json.RawMessage(whole)
	if o := parseObject(raw); o.hasList("content") && (len(o) == 1 || len(o) == 2 && (o.has("isError") || o.has("is_error"))) {
		raw = o.value("content")
	}
	for i, block := range listOf(raw) {
		if parseObject(block).text("type") == "" {
			break
		}
		if i == len(listOf(raw))-1 {
			text, _ := contentText(raw)
			return text
		}
	}
	if short == `"[image]"` {
		return "[image]"
	}
	return short
}

// json returns JSON whose images are replaced.
func (p *pictureTaker) json(raw json.RawMessage, depth int) json.RawMessage {
	if depth == mostDeep || len(raw) == 0 || len(p.parts) == mostPictures {
		return raw
	}
	switch raw[0] {
	case '"':
		if len(raw) < leastPicture {
			break
		}
		text := textOf(raw)
		if media := pictureMedia(text); media != "" && p.take(media, text) {
			return json.RawMessage(`"[image]"`)
		}
		if short := p.urls(text); short != text {
			return quote(short)
		}
	case '{':
		return p.object(raw, depth)
	case '[':
		before := len(p.parts)
		var list []json.RawMessage
		for _, value := range listOf(raw) {
			list = append(list, p.json(value, depth+1))
		}
		if len(p.parts) > before {
			return partsOf(list)
		}
	}
	return raw
}

func (p *pictureTaker) object(raw json.RawMessage, depth int) json.RawMessage {
	o := parseObject(raw)
	// Another object with an image in it may say more than that.
	isBlock := o.has("type") || len(o) == 1 || len(o) == 2 && (o.has("mimeType") || o.has("mime_type") || o.has("media_type"))
	if part, isImage := imageOf(o); isImage && isBlock {
		p.parts = append(p.parts, part)
		return json.RawMessage(`"[image]"`)
	}
	var few [24]member
	members, ok := membersOf(raw, few[:0])
	if !ok {
		return raw
	}
	var out json.RawMessage
	copied, before := 0, len(p.parts)
	for _, m := range members {
		value := p.json(raw[m.value:m.valueEnd], depth+1)
		out = append(append(out, raw[copied:m.value]...), value...)
		copied = m.valueEnd
	}
	if len(p.parts) == before {
		return raw
	}
	return append(out, raw[copied:]...)
}

// pictureURL is a data URL, and the Markdown of an image around it.
var pictureURL = regexp.MustCompile(`(!\[[^\]\n]*\]\()?data:(image/[a-zA-Z0-9.+-]+);base64,([A-Za-z0-9+/]{64,}={0,2})(?: "[^"\n]*")?(\))?`)

// urls returns a text whose data URLs are replaced.
func (p *pictureTaker) urls(text string) string {
	if !strings.Contains(text, ";base64,") {
		return text
	}
	return pictureURL.ReplaceAllStringFunc(text, func(url string) string {
		found := pictureURL.FindStringSubmatch(url)
		if !p.take(found[2], found[3]) {
			return url
		}
		switch begin, end := found[1], found[4]; {
		case begin != "":
			return "[image]"
		default:
			return "[image]" + end
		}
	})
}

// withPictures adds parts to members that may have some.
func withPictures(d data, pictures []json.RawMessage) data {
	if len(pictures) == 0 {
		return d
	}
	members := d.object()
	parts := append(parseObject(members).list("parts"), pictures...)
	var rest data
	var few [24]member
	list, _ := membersOf(members, few[:0])
	for _, m := range list {
		if name := unquote(members[m.name:m.nameEnd]); name != "parts" {
			rest = rest.raw(name, members[m.value:m.valueEnd])
		}
	}
	return rest.raw("parts", partsOf(parts))
}
