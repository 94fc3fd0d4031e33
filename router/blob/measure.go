package blob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	_ "image/gif" // for image.DecodeConfig
	_ "image/jpeg"
	_ "image/png"
	"net/http"
)

var errNoImage = errors.New("the bytes are no image of a type that is safe to show")

// measure tells the type of an image and its size in pixels from its first bytes. All
// that says what it is must agree: the bytes that browsers look at, and the header.
func measure(content []byte) (mediaType string, width, height int, err error) {
	mediaType = http.DetectContentType(content)
	if mediaType == "image/webp" {
		if width, height, err = measureWebP(content); err != nil {
			return "", 0, 0, err
		}
		return mediaType, width, height, nil
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || "image/"+format != mediaType {
		return "", 0, 0, errNoImage
	}
	return mediaType, config.Width, config.Height, nil
}

// measureWebP reads the size out of the first chunk of a WebP file (RFC 9649).
func measureWebP(content []byte) (width, height int, err error) {
	if len(content) < 30 {
		return 0, 0, errNoImage
	}
	body := content[20:]
	switch string(content[12:16]) {
	case "VP8X":
		return 1 + uint24(body[4:]), 1 + uint24(body[7:]), nil
	case "VP8L":
		bits := binary.LittleEndian.Uint32(body[1:])
		if body[0] != 0x2f {
			return 0, 0, errNoImage
		}
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff), nil
	case "VP8 ":
		if string(body[3:6]) != "\x9d\x01\x2a" {
			return 0, 0, errNoImage
		}
		return int(binary.LittleEndian.Uint16(body[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(body[8:]) & 0x3fff), nil
	}
	return 0, 0, errNoImage
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
