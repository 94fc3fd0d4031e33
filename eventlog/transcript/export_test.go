package transcript

// Recognised returns, for each object of an input, the formats whose recognisers say
// that it can be of no other.
func Recognised(input []byte) [][]Format {
	var all [][]Format
	var v values
	t := taker{other: func(Line) {}, object: func(o object, _ []byte) {
		var names []Format
		for _, f := range formats {
			if f.is(o) {
				names = append(names, f.name)
			}
		}
		all = append(all, names)
	}}
	s := NewSplitter(0)
	take := func(l Line) {
		if l.Text = clean(l.Text); len(l.Text) > 0 {
			v.line(l, t)
		}
	}
	s.Split(input, take)
	s.Rest(take)
	v.end(t)
	return all
}
