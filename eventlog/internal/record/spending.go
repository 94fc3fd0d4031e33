package record

import (
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Spending is what a session has cost, by model. While the session is open, it is a record
// of its own in store.Spent that only cost events write. So the state, which every append
// writes, stays small. At the end it goes into the session's record.
type Spending map[string]*modelCosts

// modelCosts is the cost of one model in a session.
type modelCosts struct {
	Amounts
	// Unpriced are the tokens since the last cost of the model that had money.
	Unpriced Amounts `json:"unpriced,omitzero"`
	// Last are the amounts of the last cumulative cost.
	Last Amounts `json:"last,omitzero"`
	// booked says in which rows of store.Usage the unpriced tokens stand. Only an open
	// session needs it: its later costs may have money.
	booked []booking
}

// A session or a task counts this many models separately. All others share one more name:
// names come from agents, and each append of a cost writes all of them.
const (
	maxModels   = 32
	otherModels = "other"
)

// slotOf returns the name under which a model counts, in a map of at most maxModels names
// and one more for all others.
func slotOf[T any](known map[string]T, model string) string {
	if _, is := known[model]; is || len(known) < maxModels {
		return model
	}
	return otherModels
}

// Slot returns the name under which a model counts, and the cost of that name.
func (s *State) Slot(model string) (string, *modelCosts) {
	name := slotOf(s.Models, model)
	if s.Models[name] == nil {
		if s.Models == nil {
			s.Models = Spending{}
		}
		s.Models[name] = &modelCosts{}
	}
	return name, s.Models[name]
}

// Plain returns what a cost without an id adds. It remembers cumulative amounts so that
// they never count twice.
func (s *State) Plain(c *Cost) Amounts {
	if !c.Cumulative {
		return c.Amounts
	}
	_, m := s.Slot(c.Model)
	added := c.Since(m.Last)
	m.Last = c.Amounts
	return added
}

// Enter adds to the cost of a model. If the cost has money, it covers the model's unpriced
// tokens.
func (s *State) Enter(c *Cost, added Amounts) {
	_, m := s.Slot(c.Model)
	m.Add(added)
	m.Unpriced.Add(added.Tokens())
	if c.USD > 0 {
		m.Unpriced = Amounts{}
	}
	s.Totals.AddCosts(added)
}

// SetModels sets the cost so far of an open session.
func (s *State) SetModels(models Spending) {
	s.Models = models
	s.Totals = Totals{Events: s.Head} // each event counts
	for _, name := range slices.Sorted(maps.Keys(models)) {
		s.Totals.AddCosts(models[name].Amounts)
	}
}

// Payload of spending: for each model, in the order of their names, the length of its name
// (2 bytes), the name, its amounts, its unpriced tokens, the amounts of its last cumulative
// cost, how many rows of store.Usage have its unpriced tokens (2), and for each its key and
// the tokens.
const spentSize = 2*AmountsSize + tokensSize

// EncodeSpending makes the record of the cost of an open session.
func EncodeSpending(key []byte, models Spending) []byte {
	record := make([]byte, RecordHeader, RecordHeader+len(models)*(spentSize+32))
	for _, name := range slices.Sorted(maps.Keys(models)) {
		m := models[name]
		record = appendAmounts(appendName(record, name), m.Amounts)
		record = appendAmounts(appendTokens(record, m.Unpriced), m.Last)
		record = appendBookings(record, m.booked)
	}
	return seal(store.Spent, key, record)
}

func decodeSpending(key, record []byte) (Spending, error) {
	payload, err := Decode(store.Spent, key, record)
	if err != nil {
		return nil, err
	}
	models := Spending{}
	for rest := payload; len(rest) > 0; {
		name, amounts, ok := CutName(rest)
		var m *modelCosts
		if ok {
			m, rest, ok = cutModel(amounts)
		}
		if ok {
			m.booked, rest, ok = cutBookings(rest)
		}
		if !ok {
			return nil, &store.DamageError{Bucket: store.Spent, Key: append([]byte(nil), key...), Reason: "is too short"}
		}
		models[name] = m
	}
	return models, nil
}

// cutModel reads the costs of a model without its bookings.
func cutModel(b []byte) (m *modelCosts, rest []byte, ok bool) {
	if len(b) < spentSize {
		return nil, nil, false
	}
	return &modelCosts{
		Amounts:  ReadAmounts(b),
		Unpriced: readTokens(b[AmountsSize:]),
		Last:     ReadAmounts(b[AmountsSize+tokensSize:]),
	}, b[spentSize:], true
}

// SpendingOf4 converts a payload of spending from formats 3 and 4, which have no bookings.
func SpendingOf4(payload []byte) (out []byte, ok bool) {
	for len(payload) > 0 {
		name, amounts, ok := CutName(payload)
		if !ok || len(amounts) < spentSize {
			return nil, false
		}
		out = append(append(appendName(out, name), amounts[:spentSize]...), 0, 0)
		payload = amounts[spentSize:]
	}
	return out, true
}

// ReadSpending reads the cost so far of an open session into its state.
func ReadSpending(r store.Reader, id event.SessionID, s *State) error {
	var models Spending
	if raw := r.Get(store.Spent, id[:]); raw != nil {
		var err error
		if models, err = decodeSpending(id[:], raw); err != nil {
			return err
		}
	}
	s.SetModels(models)
	return nil
}

// spent reads the cost so far of an open session into s, once.
func (tx *Txn) spent(s *Session) error {
	if s.Counted || s.Status != event.StatusOpen {
		return nil
	}
	s.Counted = true
	return ReadSpending(tx, s.ID, &s.State)
}

// Spend marks the cost of a session for writing.
func (tx *Txn) Spend(s *Session) {
	tx.Wrote = true
	if !s.spends {
		s.spends = true
		tx.spending = append(tx.spending, s)
	}
}

// unpriced returns the tokens that no cost with money covers.
func (s Spending) unpriced() (list []event.ModelTokens) {
	sum := Unpriced{}
	sum.Add(s)
	return sum.Public()
}

// Unpriced are the tokens of a task that no cost with money covers, by model.
type Unpriced map[string]Amounts

// Add adds the unpriced tokens of models.
func (u *Unpriced) Add(models Spending) {
	for _, name := range slices.Sorted(maps.Keys(models)) {
		u.AddTo(name, models[name].Unpriced)
	}
}

// AddTo adds tokens of one model.
func (u *Unpriced) AddTo(model string, tokens Amounts) {
	if tokens == (Amounts{}) {
		return
	}
	if *u == nil {
		*u = Unpriced{}
	}
	name := slotOf(*u, model)
	sum := (*u)[name]
	sum.Add(tokens)
	(*u)[name] = sum
}

// subtract undoes Add. A model that has a name of its own now may have counted among the
// others when it was added.
func (u *Unpriced) subtract(models Spending) {
	for _, name := range slices.Sorted(maps.Keys(models)) {
		u.takeFrom(name, models[name].Unpriced)
	}
}

func (u *Unpriced) takeFrom(model string, tokens Amounts) {
	for _, name := range []string{model, otherModels} {
		sum := (*u)[name]
		taken := sum.least(tokens)
		sum.subtract(taken)
		tokens.subtract(taken)
		if sum == (Amounts{}) {
			delete(*u, name)
		} else {
			(*u)[name] = sum
		}
	}
}

// Public returns the public view of the tokens, sorted by the names of the models.
func (u Unpriced) Public() (list []event.ModelTokens) {
	for _, name := range slices.Sorted(maps.Keys(u)) {
		v := u[name]
		list = append(list, event.ModelTokens{
			Model: name, InputTokens: v.InputTokens, OutputTokens: v.OutputTokens,
			CacheReadTokens: v.CacheReadTokens, CacheWriteTokens: v.CacheWriteTokens,
		})
	}
	return list
}
