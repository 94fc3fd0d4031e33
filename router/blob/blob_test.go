package blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"jrweb/router/blob"
)

func picture(width, height int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.Black})
	m.SetColorIndex(0, 0, 1)
	return m
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, width, height int) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(width, height)) })
}

// webP is the beginning of a WebP file.
func webP(chunk, body string) []byte {
	return []byte("RIFF\x40\x00\x00\x00WEBP" + chunk + "\x10\x00\x00\x00" + body + strings.Repeat("\x00", 20))
}

// part is the data of an event with an image.
func part(mediaType string, content []byte) json.RawMessage {
	sum := sha256.Sum256(content)
	return partWith(mediaType, hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(content), len(content))
}

func partWith(mediaType, hash, data string, size int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"content":"[image]","parts":[{"type":"image","media_type":%q,"bytes":%d,"sha256":%q,"data":%q}]}`,
		mediaType, size, hash, data))
}

func only(t testing.TB, event json.RawMessage) blob.Part {
	t.Helper()
	var e struct{ Parts json.RawMessage }
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	images, others := blob.Parts(e.Parts)
	if len(images) != 1 || len(others) > 0 {
		t.Fatalf("found %v, others %v", images, others)
	}
	return images[0]
}

func TestImagesOfSafeTypesAreShownWithTheirSize(t *testing.T) {
	for mediaType, content := range map[string][]byte{
		"image/png":  pngOf(t, 300, 200),
		"image/jpeg": encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(300, 200), nil) }),
		"image/gif":  encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture(300, 200), nil) }),
		"image/webp": webP("VP8X", "\x00\x00\x00\x00\x2b\x01\x00\xc7\x00\x00"),
	} {
		event := part(mediaType, content)
		p := only(t, event)
		if p.Size != len(content) || p.MediaType != mediaType || !p.Kept() {
			t.Errorf("%s: found %s of %d bytes, want %d", mediaType, p.MediaType, p.Size, len(content))
		}
		if w, h, ok := p.Measure(); w != 300 || h != 200 || !ok {
			t.Errorf("%s: measured as %d × %d, %v", mediaType, w, h, ok)
		}
		got, err := p.Image()
		if err != nil || got.Width != 300 || got.Height != 200 || got.MediaType != mediaType || !bytes.Equal(got.Bytes, content) {
			t.Errorf("%s: got %s of %d × %d, %v", mediaType, got.MediaType, got.Width, got.Height, err)
		}
		if found, ok := blob.OfEvent(event, p.Hash); !ok || found != p {
			t.Errorf("%s: the event has no such image", mediaType)
		}
		if _, ok := blob.OfEvent(event, strings.Repeat("0", 64)); ok {
			t.Errorf("%s: the event has an image of any hash", mediaType)
		}
		if want := "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(content); got.URL() != want {
			t.Errorf("%s: the data URL is %.60s", mediaType, got.URL())
		}
	}
	for name, content := range map[string][]byte{
		"VP8L": webP("VP8L", "\x2f\x2b\xc1\x31\x00"),
		"VP8 ": webP("VP8 ", "\x00\x00\x00\x9d\x01\x2a\x2c\x01\xc8\x00"),
	} {
		p := only(t, part("image/webp", content))
		if w, h, ok := p.Measure(); w != 300 || h != 200 || !ok {
			t.Errorf("%s: measured as %d × %d, %v", name, w, h, ok)
		}
	}
}

// bomb is a PNG of a few bytes that says it has very many pixels.
func bomb(width, height uint32) []byte {
	header := []byte("IHDR")
	header = binary.BigEndian.AppendUint32(header, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	out := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	out = append(out, header...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(header))
}

func TestWhatIsNoSafeImageIsNotShown(t *testing.T) {
	good := pngOf(t, 3, 2)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	html := []byte(`<html><script>alert(1)</script>`)
	sum := sha256.Sum256(good)
	hash, data := hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(good)
	for name, event := range map[string]json.RawMessage{
		"SVG":                           part("image/svg+xml", svg),
		"SVG dressed as PNG":            part("image/png", svg),
		"HTML dressed as PNG":           part("image/png", html),
		"HTML behind the bytes of PNG":  part("image/png", append([]byte("\x89PNG\r\n\x1a\n"), html...)),
		"HTML behind the bytes of GIF":  part("image/gif", append([]byte("GIF89a"), html...)),
		"HTML behind the bytes of WebP": part("image/webp", append([]byte("RIFF\x00\x00\x00\x00WEBP"), html...)),
		"PNG said to be JPEG":           part("image/jpeg", good),
		"PNG said to be HTML":           part("text/html", good),
		"a type with parameters":        part("image/png; charset=utf-8", good),
		"a type in capitals":            part("IMAGE/PNG", good),
		"nothing":                       part("image/png", nil),
		"BMP":                           part("image/bmp", []byte("BM______________")),
		"too many pixels":               part("image/png", bomb(60_000, 60_000)),
		"pixels that overflow":          part("image/png", bomb(1<<31-1, 1<<31-1)),
		"no pixels":                     part("image/webp", webP("VP8 ", "\x00\x00\x00\x9d\x01\x2a\x00\x00\x00\x00")),
		"another hash":                  partWith("image/png", strings.Repeat("0", 64), data, len(good)),
		"no hash":                       partWith("image/png", "", data, len(good)),
		"a hash that is a path":         partWith("image/png", "../../../etc/passwd", data, len(good)),
		"no base64":                     partWith("image/png", hash, "%%%%", len(good)),
		"base64 with a line break":      partWith("image/png", hash, "\n"+data+"\"><script>", len(good)),
		"bytes that were not kept":      partWith("image/png", hash, "", 3<<20),
	} {
		p := only(t, event)
		if image, err := p.Image(); err == nil {
			t.Errorf("%s is shown as %s", name, image.MediaType)
		}
		if _, _, ok := p.Measure(); ok && name != "another hash" { // who serves it sees that
			t.Errorf("%s is taken for an image", name)
		}
	}
}

func TestPartsThatAreNoImagesAreTold(t *testing.T) {
	many := "[" + strings.Repeat(`{"type":"image"},`, blob.MostParts) + `{"type":"image"}]`
	for raw, want := range map[string]struct {
		images int
		others int
	}{
		``:                                  {0, 0},
		`[]`:                                {0, 0},
		`null`:                              {0, 0},
		`5`:                                 {0, 1},
		`[{"type":"document"}]`:             {0, 1},
		`[5, {"type":"image"}]`:             {1, 1},
		`[{"type":"image","bytes":-1}]`:     {0, 1},
		`[{"type":"image","bytes":"x"}]`:    {0, 1},
		`[{"type":"image","sha256":"abc"}]`: {1, 0},
		many:                                {blob.MostParts, 1},
	} {
		images, others := blob.Parts(json.RawMessage(raw))
		if len(images) != want.images || len(others) != want.others {
			t.Errorf("%.60s: %d images, %d others, want %+v", raw, len(images), len(others), want)
		}
	}
}

func TestWallsOfBase64AreTakenOutOfTexts(t *testing.T) {
	random := make([]byte, 30_000)
	rand.NewChaCha8([32]byte{1}).Read(random) //nolint:errcheck // it always succeeds
	wall := base64.StdEncoding.EncodeToString(random)
	short := wall[:24] + "… (40 KB of base64)"
	for text, want := range map[string]string{
		wall:                                      short,
		"a\n" + wall + "\nb":                      "a\n" + short + "\nb",
		`{"data":"` + wall + `","n":1}`:           `{"data":"` + short + `","n":1}`,
		wall + " " + wall:                         short + " " + short,
		"data:image/png;base64," + wall:           "data:image/png;base64," + short,
		strings.ReplaceAll(wall, "/", `\/`) + `"`: strings.ReplaceAll(wall, "/", `\/`)[:24],
		wall[:900]:                                wall[:900],
		strings.Repeat("x", 5000):                 strings.Repeat("x", 5000),
		strings.Repeat("word and 1 ", 500):        strings.Repeat("word and 1 ", 500),
		"":                                        "",
	} {
		got := blob.Elide(text)
		if !strings.HasPrefix(got, want) || len(got) > len(want)+30 {
			t.Errorf("%.40q… became %.80q…, want %.80q…", text, got, want)
		}
	}
}

// What an event says of its images is what a client says.
func FuzzParts(f *testing.F) {
	f.Add([]byte(part("image/webp", webP("VP8 ", "\x00\x00\x00\x9d\x01\x2a\x10\x00\x10\x00"))))
	f.Add([]byte(part("image/svg+xml", []byte("<svg onload=x>"))))
	f.Add([]byte(`{"parts":[{"type":"image","bytes":-1,"data":""},null,7,{"parts":[]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e struct{ Parts json.RawMessage }
		if json.Unmarshal(data, &e) != nil {
			return
		}
		images, others := blob.Parts(e.Parts)
		if len(images) > blob.MostParts {
			t.Fatalf("%d images, %d others", len(images), len(others))
		}
		for _, image := range images {
			if image.Hash != "" && !blob.ValidHash(image.Hash) {
				t.Fatalf("hash %q", image.Hash)
			}
			blob.OfEvent(data, image.Hash)
		}
		if size := blob.SizeIn(data); size < 0 || size > len(data) {
			t.Fatalf("%d bytes of images in %d", size, len(data))
		}
		if text := blob.Elide(string(data)); len(text) > len(data)+1000 {
			t.Fatalf("%d bytes become %d", len(data), len(text))
		}
	})
}

// The bytes of an image are a client's, too.
func FuzzImage(f *testing.F) {
	f.Add(pngOf(f, 3, 2))
	f.Add(encoded(f, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(3, 2), nil) }))
	f.Add(webP("VP8X", "\x00\x00\x00\x00\x10\x00\x00\x10\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, mediaType := range []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "text/html"} {
			if len(content) == 0 {
				continue
			}
			one := only(t, part(mediaType, content))
			one.Measure()
			image, err := one.Image()
			if err == nil && (image.MediaType != mediaType || image.Extension() == "" || image.Width < 1 || image.Height < 1 || image.Width*image.Height > 50_000_000) {
				t.Fatalf("%s of %d × %d is shown", image.MediaType, image.Width, image.Height)
			}
		}
	})
}
