package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sealer signs what clients keep for us: cookies and tickets.
type sealer struct{ key []byte }

const (
	keyBytes = 32
	// mostSealed is the largest size of a cookie.
	mostSealed = 4096
)

// openKey reads the key from its file. If the file does not exist, openKey makes it,
// readable only by its owner.
func openKey(path string) (sealer, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return sealer{}, fmt.Errorf("auth: make the key %s: %w", path, err)
		}
		key, err = os.ReadFile(path)
	}
	if err != nil {
		return sealer{}, fmt.Errorf("auth: read the key: %w", err)
	}
	if len(key) != keyBytes {
		return sealer{}, fmt.Errorf("auth: the key %s has %d bytes, not %d: remove it, and a new one is made", path, len(key), keyBytes)
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return sealer{}, fmt.Errorf("auth: others may read the key %s: chmod 600 it, or remove it, and a new one is made", path)
	}
	return sealer{key}, err
}

// makeKey makes the complete file or none. If two processes do this at once, one succeeds.
func makeKey(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // by then it has its name, or is useless
	var key [keyBytes]byte
	_, _ = rand.Read(key[:]) // it never fails
	_, err = f.Write(key[:])
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// seal signs v for a purpose. The signature is invalid for any other purpose.
func (s sealer) seal(purpose string, v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		panic("auth: cannot encode what is signed: " + err.Error()) // our own types
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + s.sum(purpose, text)
}

// open checks the signature and reads what was signed. It does not say what is wrong.
func (s sealer) open(purpose, sealed string, v any) bool {
	dot := strings.LastIndexByte(sealed, '.')
	if dot < 0 || len(sealed) > mostSealed {
		return false
	}
	if !hmac.Equal([]byte(sealed[dot+1:]), []byte(s.sum(purpose, sealed[:dot]))) { // the signature has only one spelling
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(sealed[:dot])
	return err == nil && json.Unmarshal(body, v) == nil
}

func (s sealer) sum(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
