package clusterstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

// connection is how to connect to the engine.
func connection(o *Options) ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name("jrweb"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		// A server that stands still, or is cut off, closes no connection.
		nats.PingInterval(2 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1), // the caller that waits for an answer sends again what could not be sent
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // else it was closed
				o.Logger.Warn("the connection to the engine of the cluster is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { o.Logger.Info("the engine of the cluster is connected again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			o.Logger.Warn("the engine of the cluster reports an error", "error", err)
			if errors.Is(err, nats.ErrPermissionViolation) && o.denied != nil {
				o.denied(err)
			}
		}),
	}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS))
	}
	if o.Credentials == "" {
		return options, nil
	}
	text, err := os.ReadFile(o.Credentials)
	if err != nil {
		return nil, fmt.Errorf("read the credentials for the engine of the cluster: %w", err)
	}
	if bytes.Contains(text, []byte("NATS USER JWT")) {
		return append(options, nats.UserCredentials(o.Credentials)), nil
	}
	nkey, err := nats.NkeyOptionFromSeed(o.Credentials)
	if err != nil {
		return nil, fmt.Errorf("%s has no credentials for NATS, and no seed of an nkey: %w", o.Credentials, err)
	}
	return append(options, nkey), nil
}
