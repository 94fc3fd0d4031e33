package record

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog/store"
)

// Usage is a row of store.Usage: what costs have added on one day, by agent, model, project,
// person and machine. Nothing is ever taken from the amounts of a row, so a deletion changes no
// row: what was spent was spent.
type Usage struct {
	Day Day
	UsageNames
	Amounts
	// Unpriced are the tokens of these that no cost with money covers.
	Unpriced Amounts
}

// UsageNames say what and whose a cost was, as it was when the cost was appended.
type UsageNames struct{ Agent, Model, Project, Person, Machine string }

// all returns the names in the order in which a record has them.
func (n *UsageNames) all() [5]*string {
	return [...]*string{&n.Agent, &n.Model, &n.Project, &n.Person, &n.Machine}
}

// Names come from clients, and rows stay for ever. So both are bounded.
const (
	// MaxUsageName is the length of a name in bytes.
	MaxUsageName = 128
	// MaxUsageRows is how many rows a day has. What has no row then counts in one more,
	// whose names are all otherUsage.
	MaxUsageRows = 1000
	otherUsage   = "other"
)

// usageName returns a name that is no longer than MaxUsageName. A hash at the end keeps
// long names apart.
func usageName(name string) string {
	if len(name) <= MaxUsageName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	end := "~" + hex.EncodeToString(sum[:4])
	return strings.ToValidUTF8(name[:MaxUsageName-len(end)], "") + end
}

// TooLong reports whether a name is longer than a row may have.
func (n *UsageNames) TooLong() bool {
	names := n.all()
	return slices.ContainsFunc(names[:], func(name *string) bool { return len(*name) > MaxUsageName })
}

// Day is a day of UTC: how many days it is after 1 January 1970.
type Day int32

const firstUsageDay Day = 10957 // 1 January 2000

// DayOf returns the day of a time.
func DayOf(at time.Time) Day {
	seconds := at.Unix()
	day := seconds / 86400
	if seconds%86400 < 0 {
		day--
	}
	return Day(day)
}

// Time returns when the day begins.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// usageDay is the day on which a cost counts: that of the event. Clients name the time of
// an event, so that imports count when they ran. A time that cannot be right counts now,
// so that no client makes a row for each day of all times.
func usageDay(at, now time.Time) Day {
	if day := DayOf(at); day >= firstUsageDay && !at.After(now) {
		return day
	}
	return DayOf(now)
}

// UsageKey is a key of store.Usage: the day (4 bytes, the sign bit flipped, so that days
// sort), and a hash of the names.
type UsageKey [20]byte

// UsageFrom returns the first key that the rows of a day can have.
func UsageFrom(d Day) []byte { return binary.BigEndian.AppendUint32(nil, uint32(d)^(1<<31)) }

// Key returns the key of a row.
func (u *Usage) Key() (key UsageKey) {
	var names []byte
	for _, name := range u.all() {
		names = appendName(names, *name)
	}
	sum := sum16(names)
	copy(key[copy(key[:], UsageFrom(u.Day)):], sum[:])
	return key
}

// Day returns the day of a key.
func (k *UsageKey) Day() Day { return Day(binary.BigEndian.Uint32(k[:]) ^ (1 << 31)) }

// encode makes the payload of a row: its amounts, its unpriced tokens, then agent, model,
// project, person and machine, each behind its length (2 bytes). The key has the day.
func (u *Usage) encode() []byte {
	b := appendTokens(appendAmounts(nil, u.Amounts), u.Unpriced)
	for _, name := range u.all() {
		b = appendName(b, *name)
	}
	return b
}

// DecodeUsage reads a row of store.Usage.
func DecodeUsage(key, record []byte) (u Usage, err error) {
	payload, err := Decode(store.Usage, key, record)
	if err != nil {
		return u, err
	}
	damage := func(reason string) error {
		return &store.DamageError{Bucket: store.Usage, Key: bytes.Clone(key), Reason: reason}
	}
	if len(key) != len(UsageKey{}) {
		return u, damage("is no day and hash")
	}
	if len(payload) < AmountsSize+tokensSize {
		return u, damage("is too short")
	}
	u.Amounts, u.Unpriced = ReadAmounts(payload), readTokens(payload[AmountsSize:])
	at := UsageKey(key)
	u.Day = at.Day()
	rest := payload[AmountsSize+tokensSize:]
	for _, name := range u.all() {
		var ok bool
		if *name, rest, ok = CutName(rest); !ok {
			return u, damage("is too short")
		}
	}
	if len(rest) > 0 || u.Key() != at {
		return u, damage("is not the row of its key")
	}
	return u, nil
}

// usageRow is a row that a transaction keeps until its end.
type usageRow struct {
	Usage
	changed bool
}

// usageAt returns the row of a key, or nil if there is none. For a damaged row it returns one
// that is never written: check reports the damage, and the log goes on.
func (tx *Txn) usageAt(key UsageKey) *usageRow {
	if row, known := tx.usage[key]; known {
		return row
	}
	if tx.usage == nil {
		tx.usage = map[UsageKey]*usageRow{}
	}
	var row *usageRow
	if raw := tx.Get(store.Usage, key[:]); raw != nil {
		is, err := DecodeUsage(key[:], raw)
		if err != nil {
			tx.Note(err)
			// It is kept as it is for check, and takes nothing more.
			tx.usage[key] = &usageRow{}
			return tx.usage[key]
		}
		row = &usageRow{Usage: is}
	}
	tx.usage[key] = row
	return row
}

// usageOf returns the row of names on a day, and its key. It makes the row if the day has
// room for it, and else returns the row of all others.
func (tx *Txn) usageOf(day Day, names UsageNames) (UsageKey, *usageRow) {
	for _, name := range names.all() {
		*name = usageName(*name)
	}
	is := Usage{Day: day, UsageNames: names}
	key := is.Key()
	if row := tx.usageAt(key); row != nil {
		return key, row
	}
	others := UsageNames{otherUsage, otherUsage, otherUsage, otherUsage, otherUsage}
	if tx.countUsage(day) >= MaxUsageRows && names != others {
		return tx.usageOf(day, others)
	}
	tx.usageRows[day]++
	row := &usageRow{Usage: is}
	tx.usage[key] = row
	return key, row
}

// countUsage is how many rows a day has. It reads their keys once in a transaction, and only
// when there is a new row.
func (tx *Txn) countUsage(day Day) int {
	n, counted := tx.usageRows[day]
	if counted {
		return n
	}
	for range tx.Ascend(store.Usage, UsageFrom(day), UsageFrom(day+1)) {
		n++
	}
	if tx.usageRows == nil {
		tx.usageRows = map[Day]int{}
	}
	tx.usageRows[day] = n
	return n
}

// use adds to a row what a cost has added to its session.
func (tx *Txn) use(t *Task, s *Session, at time.Time, c *Cost, added Amounts) {
	_, m := s.Slot(c.Model)
	if c.USD > 0 {
		for _, b := range m.booked { // this cost covers them
			if row := tx.usageAt(b.row); row != nil {
				row.Unpriced.subtract(b.tokens)
				row.changed = true
			}
		}
		m.booked = nil
	}
	if added == (Amounts{}) {
		return
	}
	key, row := tx.usageOf(usageDay(at, tx.Now), usageNames(t, s, c.Model))
	row.Add(added)
	row.changed = true
	if c.USD == 0 {
		tokens := added.Tokens()
		row.Unpriced.Add(tokens)
		m.book(key, tokens)
	}
}

func usageNames(t *Task, s *Session, model string) UsageNames {
	return UsageNames{s.Agent, cmp.Or(model, s.Model), t.Project, s.Owner, s.Machine}
}

// writeUsage writes the rows that changed.
func (tx *Txn) writeUsage() {
	for _, key := range slices.SortedFunc(maps.Keys(tx.usage), func(a, b UsageKey) int { return bytes.Compare(a[:], b[:]) }) {
		row := tx.usage[key]
		if row == nil || !row.changed || row.Key() != key { // or it is damaged
			continue
		}
		row.changed = false
		tx.Put(store.Usage, key[:], Encode(store.Usage, key[:], row.encode()))
	}
}
