package transcript

import "slices"

// mostPartial bounds the text that is kept of messages that are not whole yet.
const mostPartial = 1 << 20

// partials are the messages that an agent prints in pieces and then again as a
// whole. The whole is what is recorded. What never became whole, because the
// agent was killed, is recorded at the end, marked as partial.
type partials struct {
	open []*partial
	size int
}

type partial struct {
	id, kind, parent string // kind is an event's type
	text             []byte
	lost             bool // there was no room for all of it
}

func (p *partials) add(id, kind, parent, piece string) {
	var to *partial
	for _, one := range p.open {
		if one.id == id && one.kind == kind && one.parent == parent {
			to = one
		}
	}
	if to == nil {
		if len(p.open) == 100 {
			return
		}
		to = &partial{id: id, kind: kind, parent: parent}
		p.open = append(p.open, to)
	}
	if p.size+len(piece) > mostPartial {
		to.lost = true
		return
	}
	to.text = append(to.text, piece...)
	p.size += len(piece)
}

// rename says of what kind a message is, if that was not known when its first pieces
// came.
func (p *partials) rename(id, kind, parent string) {
	for _, one := range p.open {
		if one.id == id && one.parent == parent {
			one.kind = kind
		}
	}
}

// whole forgets the oldest one of a kind: it has come as a whole. An empty id, of
// the whole or the pieces, stands for any.
func (p *partials) whole(id, kind, parent string) {
	for i, one := range p.open {
		if (id == "" || one.id == "" || one.id == id) && one.kind == kind && one.parent == parent {
			p.size -= len(one.text)
			p.open = slices.Delete(p.open, i, i+1)
			return
		}
	}
}

// restOf records what never became whole of the agent or one subagent.
func (p *partials) restOf(parent string, out *output) {
	var others []*partial
	for _, one := range p.open {
		if one.parent != parent {
			others = append(others, one)
			continue
		}
		if p.size -= len(one.text); len(one.text) == 0 {
			continue
		}
		d := data(nil).text("content", string(one.text)).flag("partial", true)
		if one.lost {
			d = d.flag("incomplete", true)
		}
		out.inside(parent, func() { out.add(one.kind, "", d) })
	}
	p.open = others
}

// rest records all that never became whole.
func (p *partials) rest(out *output) {
	for len(p.open) > 0 {
		p.restOf(p.open[0].parent, out)
	}
}
