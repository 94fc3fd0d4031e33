package record

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// The records on disk stay as docs/format.md says, byte for byte. A change here is a change
// of the format, which needs a new version.
func TestKeysAndRecordsAreAsTheFormatSays(t *testing.T) {
	session := event.SessionID{0x01, 0x9a, 0xaa, 0xac, 0x26, 0x7b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	task := &Task{ID: "t-1", Born: 1}
	at := time.UnixMilli(1_763_800_000_123) // 01 9a aa ac 26 7b
	key := EventKey(session, 2)
	e := &event.Event{Time: at, Type: "thought", Actor: event.Agent, Data: []byte(`{"content":"x"}`), Change: 258}
	state := State{Head: 1, Updated: event.Time{Time: at}, Change: 258}
	cost := Amounts{USD: 1, InputTokens: 2, OutputTokens: 3, CacheReadTokens: 4, CacheWriteTokens: 5}
	half := Amounts{USD: 0.5}
	row := &Usage{Day: DayOf(at), UsageNames: UsageNames{"codex", "m", "shop", "ada", "box"}, Amounts: cost, Unpriced: Amounts{InputTokens: 6}}
	models := Spending{"m": {Amounts: cost, Unpriced: Amounts{InputTokens: 6}, Last: half, booked: []booking{{row.Key(), Amounts{InputTokens: 6}}}}}
	usageKey := row.Key()
	member := costOf("msg-1", "thread-1")
	account := AccountOf("codex", member)
	for what, c := range map[string]struct {
		got  []byte
		want string
	}{
		"text of a session":            {[]byte(session.String()), "303644414c4231364643304734304f34304b3330453230393138"},
		"key of an event":              {key, "019aaaac267b0102030405060708090a0000000000000002"},
		"record of an event":           {EncodeEvent(key, e), "01407905d60000019aaaac267b0700000000000001020574686f756768746167656e747b22636f6e74656e74223a2278227d"},
		"key of a session":             {SessionKey("t-1", session), "742d3100019aaaac267b0102030405060708090a"},
		"key of a state":               {StateKey(session, 1), "019aaaac267b0102030405060708090a0000000000000002"},
		"record of a state":            {EncodeState(StateKey(session, 1), "t-1", &state), "01120b0b720000019aaaac267b000000000000000102742d31"},
		"key of a cost":                {session[:], "019aaaac267b0102030405060708090a"},
		"record of what was spent":     {EncodeSpending(session[:], models), "01267129f800016d3ff0000000000000000000000000000200000000000000030000000000000004000000000000000500000000000000060000000000000000000000000000000000000000000000003fe00000000000000000000000000000000000000000000000000000000000000000000000000000000180004fbe50420c0858719a564aa36faba5a8ea750000000000000006000000000000000000000000000000000000000000000000"},
		"key of an external id":        {ExternalKey("codex", "x", session), "0001780005636f646578019aaaac267b0102030405060708090a"},
		"record of an external id":     {Encode(store.External, ExternalKey("codex", "x", session), []byte("t-1")), "01633ec853742d31"},
		"key of an account":            {AccountKey(account), "919bc269dab2d2ff8f1fb7764d64176b00"},
		"key of a credit":              {CreditKey(account, session), "919bc269dab2d2ff8f1fb7764d64176b01019aaaac267b0102030405060708090a"},
		"key of a member":              {MemberKey(account, MemberOf(member)), "919bc269dab2d2ff8f1fb7764d64176b023a0de37932e8b19746f20b22414f862f"},
		"key of what was said":         {SaidKey(session, account, MemberOf(member)), "019aaaac267b0102030405060708090a919bc269dab2d2ff8f1fb7764d64176b3a0de37932e8b19746f20b22414f862f"},
		"key of what was said of all":  {SaidKey(session, account, MemberOf(costOf("thread-1", ""))), "019aaaac267b0102030405060708090a919bc269dab2d2ff8f1fb7764d64176b00000000000000000000000000000000"},
		"sums of an account":           {(&AccountSums{Whole: cost, Members: half, Turns: half}).Encode(), "3ff00000000000000000000000000002000000000000000300000000000000040000000000000005" + "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000" + "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000"},
		"sum of a member":              {(&MemberSum{half}).Encode(), "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000"},
		"what was said":                {(&Saying{half, "m"}).Encode(), "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000" + "6d"},
		"a credit":                     {(&Credit{"t-1", map[string]Amounts{"m": half}}).Encode(), "03742d31" + "00016d" + "3fe0000000000000" + "0000000000000000000000000000000000000000000000000000000000000000"},
		"key of a row of usage":        {usageKey[:], "80004fbe50420c0858719a564aa36faba5a8ea75"},
		"key of a day before 1970":     {UsageFrom(-1), "7fffffff"},
		"row of usage":                 {Encode(store.Usage, usageKey[:], row.encode()), "016a193b213ff0000000000000000000000000000200000000000000030000000000000004000000000000000500000000000000060000000000000000000000000000000000000000000000000005636f64657800016d000473686f7000036164610003626f78"},
		"entry of a change":            {EncodeActivity(ChangeKey(258), "t-1", []uint64{2, 257}), "017077e18b742d310000000000000000020000000000000101"},
		"record without payload":       {Encode(store.Open, SessionKey("t-1", session), nil), "01e3e087fc"},
		"key of an end":                {EndedKey(at, session), "8000019aaaac267b019aaaac267b0102030405060708090a"},
		"key of an end before 1970":    {EndedKey(time.UnixMilli(-1), session), "7fffffffffffffff019aaaac267b0102030405060708090a"},
		"key of a change":              {ChangeKey(258), "0000000000000102"},
		"key of an answer by session":  {RequestKey(task, session, "", "k"), "742d3100000000000000000173019aaaac267b0102030405060708090a00006b"},
		"key of an answer by the task": {RequestKey(task, event.SessionID{}, "s", "k"), "742d310000000000000000010073006b"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s is %s, want %s", what, got, c.want)
		}
	}

	sums := Totals{Events: 2, USD: 1, InputTokens: 2, OutputTokens: 3, CacheReadTokens: 4, CacheWriteTokens: 5}
	info := event.SessionInfo{ID: session, Task: "t-1", Status: event.Succeeded, Head: 2}
	for what, c := range map[string]struct {
		got  any
		want string
	}{
		"a task": {Task{
			Title: "T", AgentTitle: "A", Prompt: "P", Type: "y", Parent: "p", Description: "d", Project: "j", Pinned: true, Status: event.StatusOpen, Created: event.Time{Time: at}, Updated: event.Time{Time: at},
			Sessions: 1, Latest: session, Open: []event.SessionID{session}, Totals: sums, Unpriced: Unpriced{"m": {InputTokens: 6}}, Born: 1, Change: 2, Carried: []event.SessionID{session},
		}, `{"title":"T","agent_title":"A","prompt":"P","type":"y","parent":"p","description":"d","project":"j","pinned":true,"status":"open","created":"2025-11-22T08:26:40.123Z","updated":"2025-11-22T08:26:40.123Z","sessions":1,"latest":"06DALB16FC0G40O40K30E20918","open":["06DALB16FC0G40O40K30E20918"],"totals":{"events":2,"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5},"unpriced":{"m":{"input_tokens":6}},"born":1,"carried":["06DALB16FC0G40O40K30E20918"],"change":2}`},
		"an empty task": {Task{Status: event.StatusNone, Created: event.Time{Time: at}, Updated: event.Time{Time: at}, Born: 1, Change: 1}, `{"status":"none","created":"2025-11-22T08:26:40.123Z","updated":"2025-11-22T08:26:40.123Z","sessions":0,"latest":"","totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0},"born":1,"change":1}`},
		"a session": {Session{
			Status: event.Failed, Reason: "r", Agent: "a", Version: "v", Model: "m", Cwd: "/w", Branch: "b", Machine: "x", ExternalID: "e", ParentExternalID: "p", Owner: "o",
			Lease: time.Second, Beats: 6, Started: event.Time{Time: at}, Ended: event.Time{Time: at}, Sealed: event.Time{Time: at},
			First: 1, Born: 258, Beside: []event.SessionID{session}, Trimmed: 257, State: State{Head: 2, Totals: sums, Models: models},
		}, `{"status":"failed","reason":"r","agent":"a","version":"v","model":"m","cwd":"/w","branch":"b","machine":"x","external_id":"e","parent_external_id":"p","owner":"o","lease":1000000000,"beats":6,"started":"2025-11-22T08:26:40.123Z","ended":"2025-11-22T08:26:40.123Z","sealed":"2025-11-22T08:26:40.123Z","first":1,"born":258,"beside":["06DALB16FC0G40O40K30E20918"],"trimmed":257,"head":2,"totals":{"events":2,"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5},"models":{"m":{"usd":1,"input_tokens":2,"output_tokens":3,"cache_read_tokens":4,"cache_write_tokens":5,"unpriced":{"input_tokens":6},"last":{"usd":0.5}}}}`},
		"an empty session": {Session{Status: event.StatusOpen, Started: event.Time{Time: at}, First: 1}, `{"status":"open","started":"2025-11-22T08:26:40.123Z","ended":null,"first":1}`},
		"an answer":        {Request{Digest: []byte{1}, Time: event.Time{Time: at}, Session: session, First: 1, Last: 2, Info: &info}, `{"digest":"AQ==","time":"2025-11-22T08:26:40.123Z","session":"06DALB16FC0G40O40K30E20918","first":1,"last":2,"info":{"id":"06DALB16FC0G40O40K30E20918","task":"t-1","status":"succeeded","reason":"","agent":"","model":"","external_id":"","started":null,"ended":null,"head":2,"totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}}}`},
	} {
		if got, err := json.Marshal(c.got); err != nil || string(got) != c.want {
			t.Errorf("%s is %s, want %s, %v", what, got, c.want, err)
		}
	}
}

func costOf(id, partOf string) *Cost { return &Cost{ID: id, PartOf: partOf} }
