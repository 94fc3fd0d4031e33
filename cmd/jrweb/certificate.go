package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateEvery is how often the files of a certificate are looked at.
const certificateEvery = 10 * time.Second

// certificateFiles are a certificate in files, which are read again when they change: a person
// who renews it need not restart us.
type certificateFiles struct {
	cert, key string
	logger    *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	stamps [2]os.FileInfo
	looked time.Time
	told   string // the last error that was logged, until the files can be read
}

func openCertificate(cert, key string, logger *slog.Logger) (*certificateFiles, error) {
	c := &certificateFiles{cert: cert, key: key, logger: logger}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("read -tls-cert and -tls-key: %w", err)
	}
	return c, nil
}

// get is for [tls.Config.GetCertificate].
func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateEvery {
		c.looked = now
		switch err := c.read(); {
		case err == nil:
			c.told = ""
		case err.Error() != c.told:
			c.told = err.Error()
			c.logger.Error("the certificate cannot be read again: the one from before stays", "error", err)
		}
	}
	return c.pair, nil
}

// read reads the files if one of them has changed. After an error the pair is what it was.
func (c *certificateFiles) read() error {
	var stamps [2]os.FileInfo
	same := c.pair != nil
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		stamps[i] = info
		before := c.stamps[i]
		same = same && os.SameFile(before, info) && before.ModTime().Equal(info.ModTime()) && before.Size() == info.Size()
	}
	if same {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.pair, c.stamps = &pair, stamps
	return nil
}
