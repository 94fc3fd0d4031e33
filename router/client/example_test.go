package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/router/client"
	"jrweb/streamer"
)

// A runner receives what people send to the agent. A message from the box under the
// timeline is a user event of the session that the runner itself appends to. The runner
// follows its own session for these events only. It also gets the end of the session, so a
// person who ends the session from the page stops the agent.
func ExampleClient_Follow_hearPeople() {
	events, err := eventlog.New(eventlogtest.NewStore(), nil)
	check(err)
	defer events.Close()
	handler, err := router.New(events, streamer.New(events, nil), nil)
	check(err)
	server := httptest.NewServer(handler)
	defer server.Close()

	ctx := context.Background()
	c, err := client.New(server.URL, nil)
	check(err)
	run, err := c.Start(ctx, "t-1", client.Start{Agent: "example"})
	check(err)
	say(c, run.ID, `{"type":"assistant","data":{"content":"I will use the old parser."}}`)

	// A person who watches the page writes something, then ends the session.
	say(c, run.ID, `{"type":"comment","actor":"human","data":{"content":"Hm."}}`)
	say(c, run.ID, `{"type":"user","actor":"human","data":{"content":"Use the new parser."}}`)
	_, err = c.Complete(ctx, "t-1", run.ID, client.Complete{Status: eventlog.Canceled, Reason: "enough"})
	check(err)

	// In a runner this is a goroutine of its own, from the start.
	for e, err := range c.Follow(ctx, "t-1", &client.FollowOptions{Session: run.ID, Types: []string{eventlog.TypeUser}}) {
		check(err)
		var data struct{ Content, Status, Reason string }
		check(json.Unmarshal(e.Data, &data))
		switch {
		case e.Type == eventlog.TypeComplete:
			fmt.Printf("stop: %s, %s\n", data.Status, data.Reason)
		case e.Actor == eventlog.Human: // not the prompt that the runner itself recorded
			fmt.Println("a person says:", data.Content)
		}
	}
	// Output:
	// a person says: Use the new parser.
	// stop: canceled, enough
}

func say(c *client.Client, session eventlog.SessionID, event string) {
	_, err := c.Append(context.Background(), "t-1", client.Append{Session: session, Body: []byte(event)})
	check(err)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
