package redact_test

import (
	"context"
	"fmt"
	"log"
	"regexp"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/redact"
)

func Example() {
	l, err := eventlog.New(eventlogtest.NewStore(), &eventlog.Options{
		Middleware: []eventlog.Middleware{redact.Middleware(nil)},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	ctx := context.Background()
	appended, err := l.Append(ctx, &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{
		{Type: eventlog.TypeToolCall, Data: []byte(`{"tool":"sh","args":{"command":"psql postgres://app:hunter2@db/app"}}`)},
		{Type: eventlog.TypeToolResult, Data: []byte(`{"tool":"sh","success":true,"output":"API_KEY=\"made-up-12345\"\nok"}`)},
	}})
	if err != nil {
		log.Fatal(err)
	}
	page, err := l.Read(ctx, "t-1", appended.Session, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range page.Events {
		fmt.Printf("%s\n", e.Data)
	}
	// Output:
	// {"tool":"sh","args":{"command":"psql postgres://app:[redacted:url-password]@db/app"}}
	// {"tool":"sh","success":true,"output":"API_KEY=\"[redacted:assignment]\"\nok"}
}

func ExampleOptions() {
	found := map[string]int{}
	m := redact.Middleware(&redact.Options{
		Extra: []redact.Rule{{
			Name:   "employee",
			Starts: []string{"EMP-"},
			Find:   regexp.MustCompile(`EMP-([0-9]{6})`),
		}},
		Redacted: func(rule string) { found[rule]++ },
	})
	show := func(_ context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
		fmt.Printf("%s\n", b.Events[0].Data)
		return eventlog.Appended{}, nil
	}
	b := &eventlog.Batch{Events: []eventlog.Event{{Data: []byte(`{"content":"ask EMP-123456"}`)}}}
	if _, err := m(show)(context.Background(), b); err != nil {
		log.Fatal(err)
	}
	fmt.Println(found)
	// Output:
	// {"content":"ask EMP-[redacted:employee]"}
	// map[employee:1]
}
