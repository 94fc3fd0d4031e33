package eventlog

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"
)

// What is on the disk stays as docs/format.md says, byte for byte. Who changes
// this changes the format, and raises its version.
func TestKeysAndRecordsAreAsTheFormatSays(t *testing.T) {
	session := SessionID{0x01, 0x9a, 0xaa, 0xac, 0x26, 0x7b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	task := &taskRecord{id: "t-1", Born: 1}
	at := time.UnixMilli(1_763_800_000_123) // 01 9a aa ac 26 7b
	key := eventKey(session, 2)
	event := &Event{Time: at, Type: "thought", Actor: Agent, Data: []byte(`{"content":"x"}`)}
	state := sessionState{
		Head: 1, Totals: totals{Events: 1, USD: 0.5, InputTokens: 3, OutputTokens: 4}, updated: Time{at}, change: 258,
		Cumulative: map[string]costValues{"m": {USD: 1, InputTokens: 2, OutputTokens: 3, CacheReadTokens: 4, CacheWriteTokens: 5}},
	}
	for what, c := range map[string]struct {
		got  []byte
		want string
	}{
		"text of a session":            {[]byte(session.String()), "303644414c4231364643304734304f34304b3330453230393138"},
		"key of an event":              {key, "019aaaac267b0102030405060708090a0000000000000002"},
		"record of an event":           {encodeEvent(key, event), "011ed2c6c10000019aaaac267b070574686f756768746167656e747b22636f6e74656e74223a2278227d"},
		"key of a session":             {sessionKey("t-1", session), "742d3100019aaaac267b0102030405060708090a"},
		"key of a state":               {stateKey(session, 1), "019aaaac267b0102030405060708090a0000000000000002"},
		"record of a state":            {encodeState(stateKey(session, 1), "t-1", &state), "01cec2bf730000019aaaac267b003fe000000000000000000000000000030000000000000004000000000000010203742d3100016d3ff00000000000000000000000000002000000000000000300000000000000040000000000000005"},
		"entry of a change":            {encodeActivity(changeKey(258), "t-1", []uint64{2, 257}), "017077e18b742d310000000000000000020000000000000101"},
		"record without payload":       {encodeRecord(bucketOpen, sessionKey("t-1", session), nil), "01e3e087fc"},
		"key of an end":                {endedKey(at, session), "8000019aaaac267b019aaaac267b0102030405060708090a"},
		"key of an end before 1970":    {endedKey(time.UnixMilli(-1), session), "7fffffffffffffff019aaaac267b0102030405060708090a"},
		"key of a change":              {changeKey(258), "0000000000000102"},
		"key of an answer by session":  {Key{ID: "k"}.recordKey(task, session), "742d3100000000000000000173019aaaac267b0102030405060708090a00006b"},
		"key of an answer by the task": {Key{ID: "k", Scope: "s"}.recordKey(task, SessionID{}), "742d310000000000000000010073006b"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s is %s, want %s", what, got, c.want)
		}
	}

	sums := totals{Events: 2, USD: 0.5, InputTokens: 3, OutputTokens: 4}
	cost := costValues{USD: 1, InputTokens: 2, OutputTokens: 3, CacheReadTokens: 4, CacheWriteTokens: 5}
	info := SessionInfo{ID: session, Task: "t-1", Status: Succeeded, Head: 2}
	for what, c := range map[string]struct {
		got  any
		want string
	}{
		"a task": {taskRecord{
			Title: "T", Type: "y", Parent: "p", Description: "d", Status: StatusOpen, Created: Time{at}, Updated: Time{at},
			Sessions: 1, Latest: session, Open: []SessionID{session}, Totals: sums, Born: 1, Change: 2,
		}, `{"title":"T","type":"y","parent":"p","description":"d","status":"open","created":"2025-11-22T08:26:40.123Z","updated":"2025-11-22T08:26:40.123Z","sessions":1,"latest":"06DALB16FC0G40O40K30E20918","open":["06DALB16FC0G40O40K30E20918"],"totals":{"events":2,"usd":0.5,"input_tokens":3,"output_tokens":4},"born":1,"change":2}`},
		"an empty task": {taskRecord{Status: StatusNone, Created: Time{at}, Updated: Time{at}, Born: 1, Change: 1}, `{"status":"none","created":"2025-11-22T08:26:40.123Z","updated":"2025-11-22T08:26:40.123Z","sessions":0,"latest":"","totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0},"born":1,"change":1}`},
		"a session": {sessionRecord{
			Status: Failed, Reason: "r", Agent: "a", Model: "m", ExternalID: "e", Lease: time.Second, Beats: 6, Started: Time{at}, Ended: Time{at},
			First: 1, sessionState: sessionState{Head: 2, Totals: sums, Cumulative: map[string]costValues{"m": cost}},
		}, `{"status":"failed","reason":"r","agent":"a","model":"m","external_id":"e","lease":1000000000,"beats":6,"started":"2025-11-22T08:26:40.123Z","ended":"2025-11-22T08:26:40.123Z","first":1,"head":2,"totals":{"events":2,"usd":0.5,"input_tokens":3,"output_tokens":4},"cumulative":{"m":{"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5}}}`},
		"an empty session": {sessionRecord{Status: StatusOpen, Started: Time{at}, First: 1}, `{"status":"open","started":"2025-11-22T08:26:40.123Z","ended":null,"first":1}`},
		"an answer":        {keyRecord{Digest: []byte{1}, Time: Time{at}, Session: session, First: 1, Last: 2, Info: &info}, `{"digest":"AQ==","time":"2025-11-22T08:26:40.123Z","session":"06DALB16FC0G40O40K30E20918","first":1,"last":2,"info":{"id":"06DALB16FC0G40O40K30E20918","task":"t-1","status":"succeeded","reason":"","agent":"","model":"","external_id":"","started":null,"ended":null,"head":2,"totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0}}}`},
	} {
		if got, err := json.Marshal(c.got); err != nil || string(got) != c.want {
			t.Errorf("%s is %s, want %s, %v", what, got, c.want, err)
		}
	}
}
