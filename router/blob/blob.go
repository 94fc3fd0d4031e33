// Package blob finds the images in the data of events, and takes base64 out of what
// people are shown.
//
//	for _, part := range blob.Parts(parts) { … part.MediaType, part.Size … }
//	image, err := part.Image() // only what is the image it says it is
//	text = blob.Elide(text)
//
// What it promises:
//
//   - An image has one of four types that are safe to show (PNG, JPEG, GIF and WebP),
//     its bytes are of the type that is declared, and of the hash that is told. SVG is
//     a program and no image here.
//   - Nobody is given an image that is small as a file and enormous as a picture.
package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// Part is an image that an event names, whether it can be shown or not.
type Part struct {
	MediaType string
	Size      int    // of the image, in bytes, as it is told
	Hash      string // SHA-256 in hex, as it is told; empty if it is none
	data      string // base64; empty if it was not kept
}

// MostParts is how many parts of one event are looked at.
const MostParts = 50

var validHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ValidHash reports whether a text can be the hash of a blob.
func ValidHash(hash string) bool { return validHash.MatchString(hash) }

// Parts returns the images among the parts of an event, which is what its data has as
// "parts", and everything else that is there.
func Parts(raw json.RawMessage) (images []Part, others []json.RawMessage) {
	if len(raw) == 0 {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, []json.RawMessage{raw}
	}
	for _, one := range list {
		var part struct {
			Type      string `json:"type"`
			MediaType string `json:"media_type"`
			Bytes     uint32 `json:"bytes"`
			SHA256    string `json:"sha256"`
			Data      string `json:"data"`
		}
		if len(images) == MostParts || json.Unmarshal(one, &part) != nil || part.Type != "image" {
			others = append(others, one)
			continue
		}
		if !ValidHash(part.SHA256) {
			part.SHA256 = ""
		}
		images = append(images, Part{MediaType: part.MediaType, Size: int(part.Bytes), Hash: part.SHA256, data: part.Data})
	}
	return images, others
}

// OfEvent returns the part of an event's data with a hash.
func OfEvent(data json.RawMessage, hash string) (Part, bool) {
	if !bytes.Contains(data, []byte(hash)) {
		return Part{}, false
	}
	for _, image := range partsOf(data) {
		if image.Hash == hash && image.Kept() {
			return image, true
		}
	}
	return Part{}, false
}

// SizeIn returns how much of an event's data is bytes of images.
func SizeIn(data json.RawMessage) int {
	if len(data) < 10<<10 {
		return 0 // that is nothing to speak of
	}
	size := 0
	for _, image := range partsOf(data) {
		size += len(image.data)
	}
	return size
}

func partsOf(data json.RawMessage) []Part {
	var event struct {
		Parts json.RawMessage `json:"parts"`
	}
	if json.Unmarshal(data, &event) != nil {
		return nil
	}
	images, _ := Parts(event.Parts)
	return images
}

// Kept reports whether the bytes of the image are in the event.
func (p *Part) Kept() bool { return p.data != "" }

// Image is an image that can be shown.
type Image struct {
	MediaType     string
	Bytes         []byte
	Width, Height int
}

// mostPixels is how many pixels an image may have: a browser holds them all in memory.
const mostPixels = 50_000_000

// extensions are the types that are safe, and how their files are called.
var extensions = map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}

// Extension is how the name of a file with the image ends.
func (i *Image) Extension() string { return extensions[i.MediaType] }

var errNotKept = errors.New("blob: the image is not kept")

// Image returns the image of a part, or why it cannot be shown.
func (p *Part) Image() (Image, error) {
	if !p.Kept() {
		return Image{}, errNotKept
	}
	if extensions[p.MediaType] == "" {
		return Image{}, fmt.Errorf("blob: type %.100q is not safe to show", p.MediaType)
	}
	decoded, err := decode(p.data)
	if err != nil {
		return Image{}, fmt.Errorf("blob: %w", err)
	}
	if sum := sha256.Sum256(decoded); hex.EncodeToString(sum[:]) != p.Hash {
		return Image{}, errors.New("blob: the bytes have another hash than the event tells")
	}
	kind, width, height, err := measure(decoded)
	if err != nil {
		return Image{}, fmt.Errorf("blob: %w", err)
	}
	if kind != p.MediaType {
		return Image{}, fmt.Errorf("blob: the bytes are of type %s, not %s", kind, p.MediaType)
	}
	if width < 1 || height < 1 || width > mostPixels/height {
		return Image{}, fmt.Errorf("blob: %d × %d pixels are too many to show", width, height)
	}
	return Image{MediaType: kind, Bytes: decoded, Width: width, Height: height}, nil
}

// Measure is Image without a look at all of the bytes: it decodes no more than tells
// the type and the size in pixels. The server of the image looks at the rest.
func (p *Part) Measure() (width, height int, ok bool) {
	if !p.Kept() || p.Hash == "" || extensions[p.MediaType] == "" {
		return 0, 0, false
	}
	head := p.data
	if len(head) > headBytes {
		head = head[:headBytes]
	}
	decoded, err := decode(head)
	if err != nil {
		return 0, 0, false
	}
	kind, width, height, err := measure(decoded)
	if err != nil || kind != p.MediaType || width < 1 || height < 1 || width > mostPixels/height {
		return 0, 0, false
	}
	return width, height, true
}

// headBytes of base64 have the size of an image, as a rule: a JPEG may have a preview
// and colours before it. It is a multiple of four.
const headBytes = 256 << 10

// decode reads base64, with padding or without.
func decode(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		if decoded, err = base64.RawStdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("the image is not base64")
		}
	}
	return decoded, nil
}

// URL is the image as a data URL, for a page without a server.
func (i *Image) URL() string {
	return "data:" + i.MediaType + ";base64," + base64.StdEncoding.EncodeToString(i.Bytes)
}
