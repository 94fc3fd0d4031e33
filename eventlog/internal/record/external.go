package record

import (
	"encoding/binary"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// ExternalPrefix is the prefix of the keys of store.External for an external id. Texts from
// agents may contain any bytes, so each has its length in front.
func ExternalPrefix(externalID string) []byte {
	key := binary.BigEndian.AppendUint16(make([]byte, 0, 4+len(externalID)+64), uint16(len(externalID)))
	return append(key, externalID...)
}

// ExternalAgentPrefix is the prefix for an external id of one agent.
func ExternalAgentPrefix(agent, externalID string) []byte {
	key := ExternalPrefix(externalID)
	return append(binary.BigEndian.AppendUint16(key, uint16(len(agent))), agent...)
}

// ExternalKey is the key of a session by its agent and the agent's own id.
func ExternalKey(agent, externalID string, session event.SessionID) []byte {
	return append(ExternalAgentPrefix(agent, externalID), session[:]...)
}

// SplitExternalKey is the inverse of ExternalKey.
func SplitExternalKey(key []byte) (agent, externalID string, session event.SessionID, ok bool) {
	rest := key
	for _, to := range []*string{&externalID, &agent} {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return "", "", event.SessionID{}, false
		}
		n := int(binary.BigEndian.Uint16(rest))
		*to, rest = string(rest[2:2+n]), rest[2+n:]
	}
	if len(rest) != len(session) || externalID == "" {
		return "", "", event.SessionID{}, false
	}
	copy(session[:], rest)
	return agent, externalID, session, true
}

// Index lets a session be found by its agent and external id, if it has one.
func (tx *Txn) Index(s *Session) {
	if s.ExternalID == "" {
		return
	}
	key := ExternalKey(s.Agent, s.ExternalID, s.ID)
	tx.Put(store.External, key, Encode(store.External, key, []byte(s.Task)))
}

// unindex undoes Index.
func (tx *Txn) unindex(s *Session) {
	if s.ExternalID != "" {
		tx.Delete(store.External, ExternalKey(s.Agent, s.ExternalID, s.ID))
	}
}
