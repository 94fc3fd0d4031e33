package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// keyPrefix is what keys begin with, as Standard Webhooks says. Base64 follows.
const keyPrefix = "whsec_"

// OpenKey reads the key of a file, which is made, for its owner alone, if there is none.
func OpenKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var random [32]byte
		_, _ = rand.Read(random[:]) // it never fails
		text = []byte(keyPrefix + base64.StdEncoding.EncodeToString(random[:]) + "\n")
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	encoded, is := strings.CutPrefix(strings.TrimSpace(string(text)), keyPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !is || err != nil || len(key) < 16 {
		return nil, fmt.Errorf("webhook: %s: a key is %s and the base64 of at least 16 bytes", path, keyPrefix)
	}
	return key, nil
}

// CheckURL returns what is wrong with the address of a webhook, nil for nothing.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("must be an http or https URL") // not what it is: it may hold a secret
	}
	return nil
}

// withoutURL takes the URL, which may hold a secret, out of an error.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
