package eventlog

import "crypto/sha256"

func (c *relations) checkKeys() error {
	return c.each(bucketKeys, func(key, payload []byte) error {
		owner, ok := splitRecordKey(key)
		if !ok {
			c.wrong(bucketKeys, key, "is no idempotency key")
			return nil
		}
		if err := c.checkKeyRecord(owner, key, payload); err != nil {
			return err
		}
		if c.inTrash(bucketKeys, key) {
			return nil
		}
		t, s := c.tasks[owner.task], c.sessions[owner.session]
		switch {
		case t == nil || t.record != nil && t.record.Born != owner.born:
			c.wrong(bucketKeys, key, "its task does not exist")
		case !owner.session.IsZero() && (s == nil || s.task != owner.task):
			c.wrong(bucketKeys, key, "its session does not exist")
		}
		return nil
	}, nil)
}

func (c *relations) checkKeyRecord(owner keyOwner, key, payload []byte) error {
	if owner.mention {
		if len(payload) > 0 {
			c.wrong(bucketKeys, key, "mentions a key, and has %d bytes", len(payload))
		}
		return nil
	}
	answer := &keyRecord{}
	if err := decodeJSON(bucketKeys, key, c.Get(bucketKeys, key), answer); err != nil {
		return c.malformed(bucketKeys, key, err)
	}
	if len(answer.Digest) != sha256.Size {
		c.wrong(bucketKeys, key, "has a digest of %d bytes", len(answer.Digest))
	}
	return nil
}
