package main

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A new certificate needs no restart. Files that cannot be read change nothing, and are reported
// once, however many clients come.
func TestACertificateIsReadAgainWhenItChanges(t *testing.T) {
	cert, key, _ := certificate(t)
	newCert, newKey, _ := certificate(t)
	replace := func(path, with string) {
		t.Helper()
		text, err := os.ReadFile(with)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	served := func(c *certificateFiles) string {
		t.Helper()
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Certificate[0])
	}
	der := func(cert, key string) string {
		t.Helper()
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pair.Certificate[0])
	}
	before, after := der(cert, key), der(newCert, newKey)
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		c, err := openCertificate(cert, key, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if served(c) != before {
			t.Error("it does not serve what it read")
		}
		replace(cert, newCert) // the key is still of the other
		for range 3 {
			time.Sleep(certificateEvery)
			if served(c) != before {
				t.Error("half of a new certificate is served")
			}
		}
		if n := strings.Count(said.String(), "cannot be read again"); n != 1 {
			t.Errorf("it is told %d times: %s", n, &said)
		}
		replace(key, newKey)
		time.Sleep(certificateEvery)
		if served(c) != after {
			t.Error("the new certificate is not served")
		}
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(certificateEvery)
			if served(c) != after {
				t.Error("without its file the certificate is gone")
			}
		}
		if n := strings.Count(said.String(), "cannot be read again"); n != 2 {
			t.Errorf("it is told %d times: %s", n, &said)
		}
	})
}
