package router_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
)

// imageEvent is an event with an image, and the hash of the image.
func imageEvent(mediaType string, content []byte) (event, hash string) {
	sum := sha256.Sum256(content)
	hash = hex.EncodeToString(sum[:])
	return fmt.Sprintf(`{"type":"user","data":{"content":"a","parts":[{"type":"image","media_type":%q,"bytes":%d,"sha256":%q,"data":%q}]}}`,
		mediaType, len(content), hash, base64.StdEncoding.EncodeToString(content)), hash
}

// dot is a PNG of one pixel.
var dot = func() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

func TestAnImageIsServedAsNothingButAnImage(t *testing.T) {
	s := serve(t)
	event, hash := imageEvent("image/png", dot)
	session := s.append("t-1", say("a"), event)
	blobs := "/tasks/t-1/sessions/" + session + "/blobs/"
	for _, query := range []string{"", "?sequence=2"} {
		a := s.get(blobs+hash+query).is(200).has("Content-Type", "image/png").has("X-Content-Type-Options", "nosniff").
			has("Content-Disposition", `inline; filename="`+hash[:12]+`.png"`).
			has("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'").
			has("Cross-Origin-Resource-Policy", "same-origin").
			has("Cache-Control", "private, max-age=31536000, immutable").has("ETag", `"`+hash+`"`)
		if a.body != string(dot) {
			t.Errorf("%s: it has %d bytes, want the %d of the image", query, len(a.body), len(dot))
		}
		s.do("HEAD", blobs+hash+query, nil).is(200).has("Content-Length", fmt.Sprint(len(dot)))
		s.get(blobs+hash+query, `If-None-Match: "`+hash+`"`).is(http.StatusNotModified)
	}
	s.get(blobs+hash+"?sequence=1").problem(404, "")
	s.get(blobs+hash+"?sequence=3").problem(404, "")
	s.get(blobs+hash+"?sequence=18446744073709551615").problem(404, "")
	for _, wrong := range []string{"", "0", "x", "-1", "18446744073709551616"} {
		s.get(blobs+hash+"?sequence="+wrong).problem(400, "sequence")
	}
	s.get(blobs+hash+"?size=5").problem(400, "size")
	for _, none := range []string{strings.Repeat("0", 64), hash[1:], hash + "0", strings.ToUpper(hash), hash + ".png", "x", "..", "%00"} {
		s.get(blobs+none).problem(404, "")
	}
	other := s.append("t-2", say("b"))
	s.get("/tasks/t-2/sessions/"+other+"/blobs/"+hash).problem(404, "")
	s.get("/tasks/t-2/sessions/"+session+"/blobs/"+hash).problem(404, "")
	s.get("/tasks/none/sessions/"+session+"/blobs/"+hash).problem(404, "")
}

func TestAnImageIsFoundFarBehindInItsSession(t *testing.T) {
	s := serve(t)
	event, hash := imageEvent("image/png", dot)
	long := strings.Repeat("x", 100<<10)
	session := s.append("t-1", say(long), say(long), say(long), say(long), event, say(long))
	s.get("/tasks/t-1/sessions/" + session + "/blobs/" + hash).is(200)
}

func TestWhatIsNoSafeImageIsNotServed(t *testing.T) {
	html := []byte("<html><script>alert(1)</script></html>")
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	huge, _ := imageEvent("image/png", dot)
	for name, make := range map[string]func() (string, string){
		"HTML":                 func() (string, string) { return imageEvent("text/html", html) },
		"HTML dressed as PNG":  func() (string, string) { return imageEvent("image/png", html) },
		"SVG":                  func() (string, string) { return imageEvent("image/svg+xml", svg) },
		"SVG dressed as PNG":   func() (string, string) { return imageEvent("image/png", svg) },
		"PNG dressed as SVG":   func() (string, string) { return imageEvent("image/svg+xml", dot) },
		"PNG said to be a GIF": func() (string, string) { return imageEvent("image/gif", dot) },
		"the wrong hash": func() (string, string) {
			_, hash := imageEvent("image/png", dot)
			wrong := strings.Repeat("a", 64)
			return strings.Replace(huge, hash, wrong, 1), wrong
		},
	} {
		s := serve(t)
		event, hash := make()
		session := s.append("t-1", event)
		for _, query := range []string{"", "?sequence=1"} {
			a := s.get("/tasks/t-1/sessions/" + session + "/blobs/" + hash + query)
			a.problem(404, "")
			if strings.Contains(a.body, "script") {
				t.Errorf("%s: the answer has what the agent wrote: %s", name, a.body)
			}
		}
	}
}
