package record

import (
	"bytes"
	"testing"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// FuzzDecodeAccounts decodes bytes that may or may not be a payload of costs. What can be
// decoded is encoded to the same bytes again, or at least to bytes that decode to the same.
func FuzzDecodeAccounts(f *testing.F) {
	half := Amounts{USD: 0.5, InputTokens: 1}
	f.Add((&AccountSums{half, half, half}).Encode())
	f.Add((&MemberSum{half}).Encode())
	f.Add((&Saying{half, "m"}).Encode())
	f.Add((&Credit{"t-1", map[string]Amounts{"": half, "m": half}}).Encode())
	f.Add(EncodeSpending(make([]byte, 16), Spending{"": {Amounts: half}, "m": {Unpriced: half.Tokens(), Last: half}})[RecordHeader:])
	f.Add([]byte("\x03t-1\x00\x01m"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, v := range []AccountValue{&AccountSums{}, &MemberSum{}, &Saying{}} {
			if v.Decode(payload) && !bytes.Equal(v.Encode(), payload) {
				t.Errorf("%x is taken for %+v", payload, v)
			}
		}
		var c, again Credit
		if c.Decode(payload) {
			written := c.Encode()
			if !again.Decode(written) || !bytes.Equal(again.Encode(), written) {
				t.Errorf("%+v came back as %+v", c, again)
			}
		}
		key := make([]byte, len(event.SessionID{}))
		models, err := decodeSpending(key, Encode(store.Spent, key, payload))
		if err != nil {
			wantDamaged(t, err)
			return
		}
		written := EncodeSpending(key, models)
		if models, err = decodeSpending(key, written); err != nil || !bytes.Equal(EncodeSpending(key, models), written) {
			t.Errorf("%x came back as %+v, %v", payload, models, err)
		}
	})
}
