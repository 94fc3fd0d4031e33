package transcript

import "crypto/sha256"

// remembered is how many ids a converter keeps of each kind. A run has thousands
// of calls, and a converter lives as long as the run.
const remembered = 10_000

// recent is a map that forgets its oldest keys. The zero value is empty.
type recent[V any] struct {
	values map[string]V
	order  []string // a ring once it is full
	next   int
}

// keyOf bounds the memory of a key: an id may be anything.
func keyOf(id string) string {
	if len(id) <= 128 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return string(sum[:])
}

func (r *recent[V]) get(id string) (V, bool) {
	v, ok := r.values[keyOf(id)]
	return v, ok
}

func (r *recent[V]) put(id string, v V) {
	key := keyOf(id)
	if r.values == nil {
		r.values = map[string]V{}
	}
	before := len(r.values)
	r.values[key] = v
	switch {
	case len(r.values) == before: // it is known
	case len(r.order) < remembered:
		r.order = append(r.order, key)
	default:
		delete(r.values, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % remembered
	}
}

// first reports whether an id is seen for the first time. An empty id always is.
func first(r *recent[struct{}], id string) bool {
	if id == "" {
		return true
	}
	if _, seen := r.get(id); seen {
		return false
	}
	r.put(id, struct{}{})
	return true
}
