package eventlog

import (
	"bytes"
	"testing"
)

// FuzzDecodeAccounts decodes what may or may not be a payload of costs. What is
// understood is written to the same bytes again, or at least read as the same.
func FuzzDecodeAccounts(f *testing.F) {
	half := costValues{USD: 0.5, InputTokens: 1}
	f.Add((&accountSums{half, half, half}).encode())
	f.Add((&memberSum{half}).encode())
	f.Add((&saying{half, "m"}).encode())
	f.Add((&credit{"t-1", map[string]costValues{"": half, "m": half}}).encode())
	f.Add(encodeSpending(make([]byte, 16), spending{"": {costValues: half}, "m": {Unpriced: half.tokens(), Last: half}})[recordHeader:])
	f.Add([]byte("\x03t-1\x00\x01m"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, v := range []accountValue{&accountSums{}, &memberSum{}, &saying{}} {
			if v.decode(payload) && !bytes.Equal(v.encode(), payload) {
				t.Errorf("%x is taken for %+v", payload, v)
			}
		}
		var c, again credit
		if c.decode(payload) {
			written := c.encode()
			if !again.decode(written) || !bytes.Equal(again.encode(), written) {
				t.Errorf("%+v came back as %+v", c, again)
			}
		}
		key := make([]byte, len(SessionID{}))
		models, err := decodeSpending(key, encodeRecord(bucketSpent, key, payload))
		if err != nil {
			wantDamaged(t, err)
			return
		}
		written := encodeSpending(key, models)
		if models, err = decodeSpending(key, written); err != nil || !bytes.Equal(encodeSpending(key, models), written) {
			t.Errorf("%x came back as %+v, %v", payload, models, err)
		}
	})
}
