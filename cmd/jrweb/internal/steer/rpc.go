package steer

import (
	"encoding/json"
	"fmt"
)

// rpc is the part that agents have in common that are servers of JSON-RPC on their
// standard input and output: they work on one prompt after the other.
type rpc struct {
	prompts
	last    int // the id of our last request
	ready   bool
	any     bool // something was prompted
	running int  // the id of the request whose prompt it works on, 0 for none
	queue   []Message
	unread  uint64
	asked   map[string]json.RawMessage // requests of the agent by question
	prompt  func(text string) (method string, params any)
}

// rpcMessage is any message of JSON-RPC.
type rpcMessage struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// answers reports whether m is the answer to one of our requests.
func (m *rpcMessage) answers(id int) bool {
	return m.Method == "" && id != 0 && string(m.ID) == fmt.Sprint(id)
}

func (r *rpc) request(method string, params any) Parcel {
	r.last++
	return Parcel{Bytes: jsonLine(map[string]any{"jsonrpc": "2.0", "id": r.last, "method": method, "params": params})}
}

func respond(id json.RawMessage, result any) Parcel {
	return Parcel{Bytes: jsonLine(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})}
}

func refuse(id json.RawMessage, method string) Parcel {
	return Parcel{Bytes: jsonLine(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": -32601, "message": "there is no " + method}})}
}

func (r *rpc) Input(line []byte) Does {
	if text := r.line(line); text != "" {
		return r.Say(Message{Text: text})
	}
	return Does{}
}

func (r *rpc) InputEnded() Does {
	if text := r.end(); text != "" {
		r.queue = append([]Message{{Text: text}}, r.queue...)
	}
	return r.next(Does{})
}

func (r *rpc) Say(m Message) Does {
	r.queue = append(r.queue, m)
	return r.next(Does{})
}

// next begins with the next prompt, if it can, or ends when nobody has one.
func (r *rpc) next(d Does) Does {
	switch {
	case !r.ready || r.running != 0:
	case len(r.queue) > 0:
		m := r.queue[0]
		r.queue = r.queue[1:]
		method, params := r.prompt(m.Text)
		parcel := r.request(method, params)
		parcel.Of, r.unread = m.Sequence, m.Sequence
		r.running, r.any = r.last, true
		d.Write = append(d.Write, parcel)
	case r.ended && r.any:
		d.Close = true
	}
	return d
}

// moved says that the agent works on what it was prompted with.
func (r *rpc) moved(d Does) Does {
	if r.unread != 0 {
		d.Read = append(d.Read, r.unread)
		r.unread = 0
	}
	return d
}

func (r *rpc) Next(int) ([]string, []uint64) { return nil, nil }
