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
	e := &Event{Time: at, Type: "thought", Actor: Agent, Data: []byte(`{"content":"x"}`)}
	state := sessionState{Head: 1, updated: Time{at}, change: 258}
	cost := costValues{USD: 1, InputTokens: 2, OutputTokens: 3, CacheReadTokens: 4, CacheWriteTokens: 5}
	half := costValues{USD: 0.5}
	models := spending{"m": {costValues: cost, Unpriced: costValues{InputTokens: 6}, Last: half}}
	member := costOf("msg-1", "thread-1")
	account := accountOf("codex", member)
	for what, c := range map[string]struct {
		got  []byte
		want string
	}{
		"text of a session":            {[]byte(session.String()), "303644414c4231364643304734304f34304b3330453230393138"},
		"key of an event":              {key, "019aaaac267b0102030405060708090a0000000000000002"},
		"record of an event":           {encodeEvent(key, e), "011ed2c6c10000019aaaac267b070574686f756768746167656e747b22636f6e74656e74223a2278227d"},
		"key of a session":             {sessionKey("t-1", session), "742d3100019aaaac267b0102030405060708090a"},
		"key of a state":               {stateKey(session, 1), "019aaaac267b0102030405060708090a0000000000000002"},
		"record of a state":            {encodeState(stateKey(session, 1), "t-1", &state), "01120b0b720000019aaaac267b000000000000000102742d31"},
		"key of a cost":                {session[:], "019aaaac267b0102030405060708090a"},
		"record of what was spent":     {encodeSpending(session[:], models), "01924b30f600016d3ff0000000000000000000000000000200000000000000030000000000000004000000000000000500000000000000060000000000000000000000000000000000000000000000003fe00000000000000000000000000000000000000000000000000000000000000000000000000000"},
		"key of an external id":        {externalKey("codex", "x", session), "0001780005636f646578019aaaac267b0102030405060708090a"},
		"record of an external id":     {encodeRecord(bucketExternal, externalKey("codex", "x", session), []byte("t-1")), "01633ec853742d31"},
		"key of an account":            {accountKey(account), "919bc269dab2d2ff8f1fb7764d64176b00"},
		"key of a credit":              {creditKey(account, session), "919bc269dab2d2ff8f1fb7764d64176b01019aaaac267b0102030405060708090a"},
		"key of a member":              {memberKey(account, memberOf(member)), "919bc269dab2d2ff8f1fb7764d64176b023a0de37932e8b19746f20b22414f862f"},
		"key of what was said":         {saidKey(session, account, memberOf(member)), "019aaaac267b0102030405060708090a919bc269dab2d2ff8f1fb7764d64176b3a0de37932e8b19746f20b22414f862f"},
		"key of what was said of all":  {saidKey(session, account, memberOf(costOf("thread-1", ""))), "019aaaac267b0102030405060708090a919bc269dab2d2ff8f1fb7764d64176b00000000000000000000000000000000"},
		"sums of an account":           {(&accountSums{whole: cost, members: half, turns: half}).encode(), "3ff00000000000000000000000000002000000000000000300000000000000040000000000000005" + "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000" + "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000"},
		"sum of a member":              {(&memberSum{half}).encode(), "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000"},
		"what was said":                {(&saying{half, "m"}).encode(), "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000" + "6d"},
		"a credit":                     {(&credit{"t-1", map[string]costValues{"m": half}}).encode(), "03742d31" + "00016d" + "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000"},
		"entry of a change":            {encodeActivity(changeKey(258), "t-1", []uint64{2, 257}), "017077e18b742d310000000000000000020000000000000101"},
		"record without payload":       {encodeRecord(bucketOpen, sessionKey("t-1", session), nil), "01e3e087fc"},
		"key of an end":                {endedKey(at, session), "8000019aaaac267b019aaaac267b0102030405060708090a"},
		"key of an end before 1970":    {endedKey(time.UnixMilli(-1), session), "7fffffffffffffff019aaaac267b0102030405060708090a"},
		"key of a change":              {changeKey(258), "0000000000000102"},
		"key of an answer by session":  {requestKey(task, session, "", "k"), "742d3100000000000000000173019aaaac267b0102030405060708090a00006b"},
		"key of an answer by the task": {requestKey(task, SessionID{}, "s", "k"), "742d310000000000000000010073006b"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s is %s, want %s", what, got, c.want)
		}
	}

	sums := totals{Events: 2, USD: 1, InputTokens: 2, OutputTokens: 3, CacheReadTokens: 4, CacheWriteTokens: 5}
	info := SessionInfo{ID: session, Task: "t-1", Status: Succeeded, Head: 2}
	for what, c := range map[string]struct {
		got  any
		want string
	}{
		"a task": {taskRecord{
			Title: "T", AgentTitle: "A", Prompt: "P", Type: "y", Parent: "p", Description: "d", Project: "j", Status: StatusOpen, Created: Time{at}, Updated: Time{at},
			Sessions: 1, Latest: session, Open: []SessionID{session}, Totals: sums, Unpriced: unpricedTokens{"m": {InputTokens: 6}}, Born: 1, Change: 2,
		}, `{"title":"T","agent_title":"A","prompt":"P","type":"y","parent":"p","description":"d","project":"j","status":"open","created":"2025-11-22T08:26:40.123Z","updated":"2025-11-22T08:26:40.123Z","sessions":1,"latest":"06DALB16FC0G40O40K30E20918","open":["06DALB16FC0G40O40K30E20918"],"totals":{"events":2,"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5},"unpriced":{"m":{"input_tokens":6}},"born":1,"change":2}`},
		"an empty task": {taskRecord{Status: StatusNone, Created: Time{at}, Updated: Time{at}, Born: 1, Change: 1}, `{"status":"none","created":"2025-11-22T08:26:40.123Z","updated":"2025-11-22T08:26:40.123Z","sessions":0,"latest":"","totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0},"born":1,"change":1}`},
		"a session": {sessionRecord{
			Status: Failed, Reason: "r", Agent: "a", Version: "v", Model: "m", Cwd: "/w", Branch: "b", Machine: "x", ExternalID: "e", ParentExternalID: "p", Owner: "o",
			Lease: time.Second, Beats: 6, Started: Time{at}, Ended: Time{at}, Sealed: Time{at},
			First: 1, sessionState: sessionState{Head: 2, Totals: sums, Models: models},
		}, `{"status":"failed","reason":"r","agent":"a","version":"v","model":"m","cwd":"/w","branch":"b","machine":"x","external_id":"e","parent_external_id":"p","owner":"o","lease":1000000000,"beats":6,"started":"2025-11-22T08:26:40.123Z","ended":"2025-11-22T08:26:40.123Z","sealed":"2025-11-22T08:26:40.123Z","first":1,"head":2,"totals":{"events":2,"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5},"models":{"m":{"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5,"unpriced":{"input_tokens":6},"last":{"usd":0.5}}}}`},
		"an empty session": {sessionRecord{Status: StatusOpen, Started: Time{at}, First: 1}, `{"status":"open","started":"2025-11-22T08:26:40.123Z","ended":null,"first":1}`},
		"an answer":        {keyRecord{Digest: []byte{1}, Time: Time{at}, Session: session, First: 1, Last: 2, Info: &info}, `{"digest":"AQ==","time":"2025-11-22T08:26:40.123Z","session":"06DALB16FC0G40O40K30E20918","first":1,"last":2,"info":{"id":"06DALB16FC0G40O40K30E20918","task":"t-1","status":"succeeded","reason":"","agent":"","model":"","external_id":"","started":null,"ended":null,"head":2,"totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}}}`},
	} {
		if got, err := json.Marshal(c.got); err != nil || string(got) != c.want {
			t.Errorf("%s is %s, want %s, %v", what, got, c.want, err)
		}
	}
}

func costOf(id, partOf string) *cost { return &cost{ID: id, PartOf: partOf} }
