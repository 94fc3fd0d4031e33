package record

import "encoding/binary"

// booking says how many of a session's unpriced tokens of a model stand in one row of
// store.Usage. A later cost of the session that has money covers them, and then they are
// taken out of the unpriced tokens of that row, even if it is of an earlier day.
type booking struct {
	row    UsageKey
	tokens Amounts
}

// maxBookings is how many rows a model of a session has unpriced tokens in: each cost writes
// all of them. Those in still older rows stay unpriced.
const maxBookings = 16

// book notes that unpriced tokens were added to a row.
func (m *modelCosts) book(row UsageKey, tokens Amounts) {
	if tokens == (Amounts{}) {
		return
	}
	if n := len(m.booked); n > 0 && m.booked[n-1].row == row {
		m.booked[n-1].tokens.Add(tokens)
		return
	}
	if len(m.booked) == maxBookings {
		m.booked = m.booked[1:]
	}
	m.booked = append(m.booked, booking{row, tokens})
}

const bookingSize = len(UsageKey{}) + tokensSize

func appendBookings(b []byte, booked []booking) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(booked)))
	for i := range booked {
		b = appendTokens(append(b, booked[i].row[:]...), booked[i].tokens)
	}
	return b
}

// cutBookings is the inverse of appendBookings.
func cutBookings(b []byte) (booked []booking, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if len(b) < n*bookingSize {
		return nil, nil, false
	}
	for ; n > 0; n-- {
		booked = append(booked, booking{UsageKey(b), readTokens(b[len(UsageKey{}):])})
		b = b[bookingSize:]
	}
	return booked, b, true
}
