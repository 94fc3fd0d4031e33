package eventlog

import (
	"maps"
	"slices"
)

// spending is what a session has cost, by model. While the session is open it
// stands in a record of its own in bucketSpent, which only cost events write to: the
// state, which every append writes, stays small. Then it goes into the session's
// record.
type spending map[string]*modelCosts

// modelCosts is what a model has cost in a session.
type modelCosts struct {
	costValues
	// Unpriced are the tokens since the last cost of the model that named money.
	Unpriced costValues `json:"unpriced,omitzero"`
	// Last are the amounts of the last cumulative cost.
	Last costValues `json:"last,omitzero"`
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

// slot returns the name under which a model counts, and what it has cost.
func (s *sessionState) slot(model string) (string, *modelCosts) {
	name := slotOf(s.Models, model)
	if s.Models[name] == nil {
		if s.Models == nil {
			s.Models = spending{}
		}
		s.Models[name] = &modelCosts{}
	}
	return name, s.Models[name]
}

// plain returns what a cost without an id adds, and remembers cumulative amounts so
// that they never count twice.
func (s *sessionState) plain(c *cost) costValues {
	if !c.Cumulative {
		return c.costValues
	}
	_, m := s.slot(c.Model)
	added := c.since(m.Last)
	m.Last = c.costValues
	return added
}

// enter books what a cost adds. A cost that names money settles what its model's
// tokens have cost so far.
func (s *sessionState) enter(c *cost, added costValues) {
	_, m := s.slot(c.Model)
	m.add(added)
	m.Unpriced.add(added.tokens())
	if c.USD > 0 {
		m.Unpriced = costValues{}
	}
	s.Totals.addCosts(added)
}

// setModels makes models what an open session has cost so far.
func (s *sessionState) setModels(models spending) {
	s.Models = models
	s.Totals = totals{Events: s.Head} // each event counts
	for _, name := range slices.Sorted(maps.Keys(models)) {
		s.Totals.addCosts(models[name].costValues)
	}
}

// Payload of spending: for each model, in the order of their names, the length of
// its name (2 bytes), the name, its amounts, its unpriced tokens, and the amounts of
// its last cumulative cost.
const spentSize = 2*amountsSize + tokensSize

func encodeSpending(key []byte, models spending) []byte {
	record := make([]byte, recordHeader, recordHeader+len(models)*(spentSize+32))
	for _, name := range slices.Sorted(maps.Keys(models)) {
		m := models[name]
		record = appendAmounts(appendName(record, name), m.costValues)
		record = appendAmounts(appendTokens(record, m.Unpriced), m.Last)
	}
	return sealRecord(bucketSpent, key, record)
}

func decodeSpending(key, record []byte) (spending, error) {
	payload, err := decodeRecord(bucketSpent, key, record)
	if err != nil {
		return nil, err
	}
	models := spending{}
	for rest := payload; len(rest) > 0; {
		name, amounts, ok := cutName(rest)
		if !ok || len(amounts) < spentSize {
			return nil, &DamageError{Bucket: bucketSpent, Key: append([]byte(nil), key...), Reason: "is too short"}
		}
		models[name] = &modelCosts{
			costValues: readAmounts(amounts),
			Unpriced:   readTokens(amounts[amountsSize:]),
			Last:       readAmounts(amounts[amountsSize+tokensSize:]),
		}
		rest = amounts[spentSize:]
	}
	return models, nil
}

// readSpending reads what an open session has cost so far into its state.
func readSpending(r Reader, id SessionID, s *sessionState) error {
	var models spending
	if raw := r.Get(bucketSpent, id[:]); raw != nil {
		var err error
		if models, err = decodeSpending(id[:], raw); err != nil {
			return err
		}
	}
	s.setModels(models)
	return nil
}

// spent makes what an open session has cost known to its record.
func (tx *txn) spent(s *sessionRecord) error {
	if s.counted || s.Status != StatusOpen {
		return nil
	}
	s.counted = true
	return readSpending(tx, s.id, &s.sessionState)
}

// spend says that what a session has cost has changed.
func (tx *txn) spend(s *sessionRecord) {
	tx.wrote = true
	if !s.spends {
		s.spends = true
		tx.spending = append(tx.spending, s)
	}
}

// ModelTokens are tokens of one model.
type ModelTokens struct {
	// Model is empty if it was not named, and "other" for all beyond the first 32
	// of a session or a task.
	Model                                                        string
	InputTokens, OutputTokens, CacheReadTokens, CacheWriteTokens uint64
}

// unpriced returns the tokens that no cost with money has settled.
func (s spending) unpriced() (list []ModelTokens) {
	sum := unpricedTokens{}
	sum.add(s)
	return sum.public()
}

// unpricedTokens are the tokens in a task that no cost with money has settled.
type unpricedTokens map[string]costValues

func (u *unpricedTokens) add(models spending) {
	for _, name := range slices.Sorted(maps.Keys(models)) {
		u.addTo(name, models[name].Unpriced)
	}
}

func (u *unpricedTokens) addTo(model string, tokens costValues) {
	if tokens == (costValues{}) {
		return
	}
	if *u == nil {
		*u = unpricedTokens{}
	}
	name := slotOf(*u, model)
	sum := (*u)[name]
	sum.add(tokens)
	(*u)[name] = sum
}

// subtract takes back what add added. A model that had a name of its own may have
// been among the others when it was added.
func (u *unpricedTokens) subtract(models spending) {
	for _, name := range slices.Sorted(maps.Keys(models)) {
		u.takeFrom(name, models[name].Unpriced)
	}
}

func (u *unpricedTokens) takeFrom(model string, tokens costValues) {
	for _, name := range []string{model, otherModels} {
		sum := (*u)[name]
		taken := sum.least(tokens)
		sum.subtract(taken)
		tokens.subtract(taken)
		if sum == (costValues{}) {
			delete(*u, name)
		} else {
			(*u)[name] = sum
		}
	}
}

func (u unpricedTokens) public() (list []ModelTokens) {
	for _, name := range slices.Sorted(maps.Keys(u)) {
		v := u[name]
		list = append(list, ModelTokens{name, v.InputTokens, v.OutputTokens, v.CacheReadTokens, v.CacheWriteTokens})
	}
	return list
}
