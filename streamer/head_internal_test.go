package streamer

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// The kernel may take any part of what is written, also of the head of a response: its buffer
// may be full of an earlier response that the client has not read yet.
func TestAResponseThatTheKernelTakesInPartsIsWhole(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	head, body := []byte("HTTP/1.1 200 OK\r\n\r\n"), []byte("data: 1\n\ndata: 2\n\n")
	l := &connection{conn: server, try: newTry(server), head: bytes.Clone(head)}
	l.patience.renew = server.SetWriteDeadline
	l.try.call = func(fd uintptr) bool {
		l.try.p = l.try.p[:min(3, len(l.try.p))]
		return l.try.once(fd)
	}
	s := newSocket(l, &Options{WriteTimeout: time.Minute})
	s.send(body)
	if err := server.Close(); err != nil || s.err != nil {
		t.Fatal(err, s.err)
	}
	got, err := io.ReadAll(client)
	if want := append(head, body...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the client got %q, %v, not %q", got, err, want)
	}
}
