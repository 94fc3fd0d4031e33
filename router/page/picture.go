package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"jrweb/router/blob"
)

// pictureView is an image of an event, or what there is to say of one that is not shown.
type pictureView struct {
	Source        template.URL // of the image, "" if it is not shown
	Link          template.URL // to the image alone, "" in an export
	Alt           string
	Width, Height int
}

// pictures takes the images out of the parts of the event, and returns the members of
// its data that are left.
func (m *maker) pictures(to *[]pictureView) (left fields) {
	images, others := blob.Parts(m.data.raw("parts"))
	for i := range images {
		*to = append(*to, m.picture(&images[i]))
	}
	m.shown = len(images)
	left = m.data.without("parts")
	if len(others) == 0 {
		return left
	}
	rest, err := json.Marshal(others)
	if err != nil {
		panic("page: JSON that was read cannot be written: " + err.Error())
	}
	return append(left, field{"parts", rest})
}

func (m *maker) picture(part *blob.Part) pictureView {
	kind := strings.ToUpper(strings.TrimPrefix(shorten(part.MediaType), "image/"))
	if kind == "" {
		kind = "of an unknown type"
	}
	facts := fmt.Sprintf("Image, %s, %s", kind, byteSize(part.Size))
	width, height, ok := part.Measure()
	switch {
	case !part.Kept():
		return pictureView{Alt: facts + ": too large to be kept"}
	case !ok:
		return pictureView{Alt: facts + ": not of a type that is safe to show"}
	}
	view := pictureView{Alt: fmt.Sprintf("%s, %d × %d", facts, width, height)}
	view.Width, view.Height = fitted(width, height)
	if m.view.offline {
		image, err := part.Image()
		if err != nil {
			return pictureView{Alt: facts + ": its bytes are not what it says"}
		}
		view.Source = template.URL(image.URL())
		return view
	}
	view.Source = template.URL(fmt.Sprintf("./%s/sessions/%s/blobs/%s?sequence=%d", // ids, hex and a number
		url.PathEscape(m.view.task), m.entry.Session, part.Hash, m.entry.Sequence))
	view.Link = view.Source
	return view
}

// A picture in a row takes at most so many pixels. The page knows how many before it
// has the picture, so that nothing moves when it comes.
const (
	mostWidth  = 720
	mostHeight = 360
)

func fitted(width, height int) (int, int) {
	if width > mostWidth {
		width, height = mostWidth, max(1, height*mostWidth/width)
	}
	if height > mostHeight {
		width, height = max(1, width*mostHeight/height), mostHeight
	}
	return width, height
}

// withoutPlaceholders takes out of a text the lines that stand for images which are
// beside it.
func (m *maker) withoutPlaceholders(text string) string {
	if m.shown == 0 || !strings.Contains(text, "[image]") {
		return text
	}
	var rest []string
	left := m.shown
	for line := range strings.SplitSeq(text, "\n") {
		if left > 0 && strings.TrimSpace(line) == "[image]" {
			left--
			continue
		}
		rest = append(rest, line)
	}
	return strings.Join(rest, "\n")
}
