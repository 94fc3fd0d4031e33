package dbfile

import (
	"crypto/sha256"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

func (c *relations) checkKeys() error {
	return c.each(store.Keys, func(key, payload []byte) error {
		owner, ok := record.SplitRequestKey(key)
		if !ok {
			c.wrong(store.Keys, key, "is no idempotency key")
			return nil
		}
		if err := c.checkKeyRecord(owner, key, payload); err != nil {
			return err
		}
		if c.inTrash(store.Keys, key) {
			return nil
		}
		t, s := c.tasks[owner.Task], c.sessions[owner.Session]
		switch {
		case t == nil || t.record != nil && t.record.Born != owner.Born:
			c.wrong(store.Keys, key, "its task does not exist")
		case !owner.Session.IsZero() && (s == nil || s.task != owner.Task):
			c.wrong(store.Keys, key, "its session does not exist")
		}
		return nil
	}, nil)
}

func (c *relations) checkKeyRecord(owner record.RequestOwner, key, payload []byte) error {
	if owner.Mention {
		if len(payload) > 0 {
			c.wrong(store.Keys, key, "mentions a key, and has %d bytes", len(payload))
		}
		return nil
	}
	answer := &record.Request{}
	if err := record.DecodeJSON(store.Keys, key, c.Get(store.Keys, key), answer); err != nil {
		return c.malformed(store.Keys, key, err)
	}
	if len(answer.Digest) != sha256.Size {
		c.wrong(store.Keys, key, "has a digest of %d bytes", len(answer.Digest))
	}
	return nil
}
