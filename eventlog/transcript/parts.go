package transcript

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// mostImage is how large an image may be, in bytes, for its bytes to be kept. Of a
// larger one, type, size and hash are.
const mostImage = 2 << 20

// contentText returns what a message's content says, whether it is a string, a
// block, or a list of blocks. Blocks that are not text are named in their place ("[image]"), and
// parts has those blocks, if there are any. Images have one shape there, whatever the agent's
// is:
//
//	{"type":"image","media_type":"image/png","bytes":68,"sha256":"…","data":"iVBOR…"}
func contentText(raw json.RawMessage) (text string, parts json.RawMessage) {
	if isObject(raw) {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	blocks := listOf(raw)
	if blocks == nil {
		if s := textOf(raw); s != "" || len(raw) == 0 || raw[0] == '"' || string(raw) == "null" {
			return s, nil
		}
		return string(raw), nil
	}
	var texts []string
	var others []json.RawMessage
	for _, block := range blocks {
		o := parseObject(block)
		isText := o.value("text") != nil
		switch {
		case o == nil && len(block) > 0 && block[0] == '"':
			texts = append(texts, textOf(block))
		case isText && (o.text("type") == "" || strings.HasSuffix(o.text("type"), "text")):
			texts = append(texts, o.text("text"))
		case o == nil:
			texts = append(texts, string(block))
		default:
			if part, isImage := imageOf(o); isImage {
				texts, others = append(texts, "[image]"), append(others, part)
			} else if kind := o.text("type"); kind != "" {
				texts, others = append(texts, "["+kind+"]"), append(others, block)
			} else {
				texts = append(texts, string(block))
			}
		}
	}
	return strings.Join(texts, "\n"), partsOf(others)
}

// partsOf makes an array of parts, nil for none.
func partsOf(parts []json.RawMessage) json.RawMessage {
	if len(parts) == 0 {
		return nil
	}
	out := json.RawMessage("[")
	for i, part := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, part...)
	}
	return append(out, ']')
}

// imageOf returns the part for a block that is an image, in any of the shapes that
// agents and providers give it.
func imageOf(o object) (part json.RawMessage, ok bool) {
	source := o.object("source") // Anthropic: {type, source: {type: base64, media_type, data}}
	inline := o.object("inlineData")
	if inline == nil {
		inline = o.object("inline_data") // Gemini
	}
	resource := o.object("resource") // MCP: {type: resource, resource: {uri, mimeType, blob}}
	url := cmp.Or(o.text("image_url", "url"), o.object("image_url").text("url"), source.text("url"))
	media := cmp.Or(source.text("media_type", "mediaType"), inline.text("mimeType", "mime_type"), resource.text("mimeType"),
		o.text("mimeType", "media_type", "mediaType", "mime_type", "mime"))
	data := cmp.Or(source.text("data"), inline.text("data"), resource.text("blob"), o.text("data", "base64"))
	if data == "" {
		data = o.text("image")
	}
	if strings.HasPrefix(data, "data:") {
		url = data
	}
	if rest, isData := strings.CutPrefix(url, "data:"); isData {
		head, body, _ := strings.Cut(rest, ",")
		media, data = strings.TrimSuffix(head, ";base64"), body
	}
	kind := o.text("type")
	if isScreenshot := kind == "image_url" || strings.HasSuffix(kind, "image") || strings.HasSuffix(kind, "screenshot"); data == "" ||
		!strings.HasPrefix(media, "image/") && !isScreenshot {
		return nil, false
	}
	return imagePart(media, data), true
}

// imagePart makes the part of an image whose bytes are given in base64.
func imagePart(media, encoded string) json.RawMessage {
	d := data(nil).text("type", "image").text("media_type", beginning(media, 100))
	bytes, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		bytes, err = base64.RawStdEncoding.DecodeString(encoded)
	}
	if err != nil {
		return d.text("error", "the image is not base64").number("encoded_bytes", float64(len(encoded))).object()
	}
	sum := sha256.Sum256(bytes)
	d = d.number("bytes", float64(len(bytes))).text("sha256", hex.EncodeToString(sum[:]))
	if len(bytes) <= mostImage {
		d = d.text("data", encoded)
	}
	return d.object()
}
