package source

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// kind is what the first bytes of a file tell that it is.
type kind struct {
	name string // with its article; "" for text
	hint string // what to do with it; may be empty
}

// The two that are unpacked.
const (
	gzipped   = "a gzip file"
	zstandard = "a zstd file"
)

const (
	unpackFirst = "unpack it first"
	exportFirst = "export the session with its agent's own command"
)

// signatures are the first bytes of files that people have beside transcripts.
var signatures = []struct {
	at    int
	bytes string
	kind  kind
}{
	{0, "\x1f\x8b", kind{name: gzipped}},
	{0, "\x28\xb5\x2f\xfd", kind{name: zstandard}},
	{0, "\x89PNG\r\n\x1a\n", kind{name: "a PNG picture"}},
	{0, "\xff\xd8\xff", kind{name: "a JPEG picture"}},
	{0, "GIF87a", kind{name: "a GIF picture"}},
	{0, "GIF89a", kind{name: "a GIF picture"}},
	{8, "WEBPVP8", kind{name: "a WebP picture"}},
	{0, "II*\x00", kind{name: "a TIFF picture"}},
	{0, "MM\x00*", kind{name: "a TIFF picture"}},
	{4, "ftypavif", kind{name: "an AVIF picture"}},
	{4, "ftyphei", kind{name: "a HEIC picture"}},
	{4, "ftyp", kind{name: "an MP4 file"}},
	{8, "WAVEfmt ", kind{name: "a WAV recording"}},
	{0, "OggS\x00", kind{name: "an Ogg file"}},
	{0, "ID3\x03", kind{name: "an MP3 file"}},
	{0, "ID3\x04", kind{name: "an MP3 file"}},
	{0, "%PDF-", kind{name: "a PDF document"}},
	{0, "PK\x03\x04", kind{"a ZIP archive", unpackFirst}},
	{0, "PK\x05\x06", kind{"a ZIP archive", unpackFirst}},
	{257, "ustar", kind{"a tar archive", unpackFirst}},
	{0, "7z\xbc\xaf\x27\x1c", kind{"a 7-Zip archive", unpackFirst}},
	{0, "Rar!\x1a\x07", kind{"a RAR archive", unpackFirst}},
	{0, "\xfd7zXZ\x00", kind{"an xz file", unpackFirst}},
	{4, "1AY&SY", kind{"a bzip2 file", unpackFirst}},
	{0, "\x04\x22\x4d\x18", kind{"an LZ4 file", unpackFirst}},
	{0, "\x1f\x9d", kind{"a file of compress", unpackFirst}},
	{0, "SQLite format 3\x00", kind{"an SQLite database", exportFirst + ", or let jrweb watch read it"}},
	{16, "\xed\xda\x0c\xed", kind{"a bbolt database", "jrweb restore takes a backup"}},
	{0, "\x7fELF", kind{name: "an ELF program"}},
	{0, "\xcf\xfa\xed\xfe", kind{name: "a Mach-O program"}},
	{0, "\xca\xfe\xba\xbe", kind{name: "a Mach-O program or a Java class"}},
	{0, "\x00asm", kind{name: "a WebAssembly program"}},
	{0, "PACK\x00\x00\x00", kind{name: "a git pack"}},
	{0, "\xff\xfe", kind{"text in UTF-16", "convert it to UTF-8 first"}},
	{0, "\xfe\xff", kind{"text in UTF-16", "convert it to UTF-8 first"}},
}

// kindOf tells from the first bytes of a file what it is.
func kindOf(head []byte) kind {
	for _, s := range signatures {
		if len(head) >= s.at+len(s.bytes) && string(head[s.at:s.at+len(s.bytes)]) == s.bytes {
			return s.kind
		}
	}
	if isBinary(head) {
		return kind{name: "binary data"}
	}
	return kind{}
}

// isBinary reports whether bytes are not of a text: they have a NUL, many control characters, or
// are for the most part in no encoding that holds ASCII.
func isBinary(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return true
	}
	controls, wrong := 0, 0
	for rest := head; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1 && len(rest) >= utf8.UTFMax: // the last may be cut
			wrong++
		case r < ' ' && !bytes.ContainsRune([]byte("\a\b\t\n\v\f\r\x1b"), r), r == 0x7f:
			controls++
		}
		rest = rest[n:]
	}
	return controls*10 > len(head) || wrong*3 > len(head)
}

// Refused says that a file is not a text.
type Refused struct{ Path, Is, Hint string }

func (r *Refused) Error() string {
	text := fmt.Sprintf("%s is %s, not a transcript", r.Path, r.Is)
	if r.Hint != "" {
		text += ": " + r.Hint
	}
	return text
}

func (k kind) refuse(path string) error { return &Refused{Path: path, Is: k.name, Hint: k.hint} }
