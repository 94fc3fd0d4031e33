package record

import (
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Spending is what a session has cost, by model. While the session is open it
// stands in a record of its own in store.Spent, which only cost events write to: the
// state, which every append writes, stays small. Then it goes into the session's
// record.
type Spending map[string]*modelCosts

// modelCosts is what a model has cost in a session.
type modelCosts struct {
	Amounts
	// Unpriced are the tokens since the last cost of the model that named money.
	Unpriced Amounts `json:"unpriced,omitzero"`
	// Last are the amounts of the last cumulative cost.
	Last Amounts `json:"last,omitzero"`
}

// A session, and a task, tells so many models apart. All others are one more: names
// come from agents, and each append of a cost writes all of them.
const (
	maxModels   = 32
	otherModels = "other"
)

// slotOf returns the name under which a model counts in a map that has at most
// maxModels names, and one more for all others.
func slotOf[T any](known map[string]T, model string) string {
	if _, is := known[model]; is || len(known) < maxModels {
		return model
	}
	return otherModels
}

// Slot returns the name under which a model counts, and what it has cost.
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

// Plain returns what a cost without an id adds, and remembers cumulative amounts so
// that they never count twice.
func (s *State) Plain(c *Cost) Amounts {
	if !c.Cumulative {
		return c.Amounts
	}
	_, m := s.Slot(c.Model)
	added := c.Since(m.Last)
	m.Last = c.Amounts
	return added
}

// Enter books what a cost adds. A cost that names money settles what its model's
// tokens have cost so far.
func (s *State) Enter(c *Cost, added Amounts) {
	_, m := s.Slot(c.Model)
	m.Add(added)
	m.Unpriced.Add(added.Tokens())
	if c.USD > 0 {
		m.Unpriced = Amounts{}
	}
	s.Totals.AddCosts(added)
}

// SetModels makes models what an open session has cost so far.
func (s *State) SetModels(models Spending) {
	s.Models = models
	s.Totals = Totals{Events: s.Head} // each event counts
	for _, name := range slices.Sorted(maps.Keys(models)) {
		s.Totals.AddCosts(models[name].Amounts)
	}
}

// Payload of spending: for each model, in the order of their names, the length of
// its name (2 bytes), the name, its amounts, its unpriced tokens, and the amounts of
// its last cumulative cost.
const spentSize = 2*AmountsSize + tokensSize

// EncodeSpending makes the record of what an open session has cost.
func EncodeSpending(key []byte, models Spending) []byte {
	record := make([]byte, RecordHeader, RecordHeader+len(models)*(spentSize+32))
	for _, name := range slices.Sorted(maps.Keys(models)) {
		m := models[name]
		record = appendAmounts(appendName(record, name), m.Amounts)
		record = appendAmounts(appendTokens(record, m.Unpriced), m.Last)
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
		if !ok || len(amounts) < spentSize {
			return nil, &store.DamageError{Bucket: store.Spent, Key: append([]byte(nil), key...), Reason: "is too short"}
		}
		models[name] = &modelCosts{
			Amounts:  ReadAmounts(amounts),
			Unpriced: readTokens(amounts[AmountsSize:]),
			Last:     ReadAmounts(amounts[AmountsSize+tokensSize:]),
		}
		rest = amounts[spentSize:]
	}
	return models, nil
}

// ReadSpending reads what an open session has cost so far into its state.
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

// spent makes what an open session has cost known to its record.
func (tx *Txn) spent(s *Session) error {
	if s.Counted || s.Status != event.StatusOpen {
		return nil
	}
	s.Counted = true
	return ReadSpending(tx, s.ID, &s.State)
}

// Spend says that what a session has cost has changed.
func (tx *Txn) Spend(s *Session) {
	tx.Wrote = true
	if !s.spends {
		s.spends = true
		tx.spending = append(tx.spending, s)
	}
}

// unpriced returns the tokens that no cost with money has settled.
func (s Spending) unpriced() (list []event.ModelTokens) {
	sum := Unpriced{}
	sum.Add(s)
	return sum.Public()
}

// Unpriced are the tokens in a task that no cost with money has settled.
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

// subtract takes back what add added. A model that had a name of its own may have
// been among the others when it was added.
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

// Public returns the tokens as the world sees them, by the names of the models.
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
