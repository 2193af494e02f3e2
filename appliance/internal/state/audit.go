package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"meetbox.local/appliance/api"
)

// maxAudit bounds the audit log: years for an office, and a few megabytes
// when somebody tries passwords all day.
const maxAudit = 20_000

func isNone(err error) bool { return errors.Is(err, ErrNone) }

// Audit appends a line to the audit log, in the transaction of what it tells.
func (t *Tx) Audit(who Actor, action, object, detail string) error {
	return t.audit(who, api.AuditRow{Action: action, Object: object, Detail: detail})
}

// Audit appends a line in a transaction of its own.
func (s *Store) Audit(who Actor, action, object, detail string) error {
	return s.Update(func(tx *Tx) error { return tx.Audit(who, action, object, detail) })
}

func (t *Tx) audit(who Actor, row api.AuditRow) error {
	b := t.tx.Bucket([]byte("audit"))
	if _, last := b.Cursor().Last(); last != nil {
		var prev api.AuditRow
		if err := json.Unmarshal(last, &prev); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		row.Previous = prev.Hash
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	row.Number, row.At, row.Who, row.From = n, t.now, who.Name, who.from()
	row.Hash = chain(row)
	v, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if err := b.Put(number(n), v); err != nil {
		return err
	}
	return trim(b, n, maxAudit)
}

// chain is the row's hash: SHA-256 of its JSON without the hash. The hash of
// the row before it is in there.
func chain(row api.AuditRow) string {
	row.Hash = ""
	b, err := json.Marshal(row)
	if err != nil {
		panic(err) // texts, numbers and a time always encode
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Check says which of the rows, the oldest first, does not fit the one
// before it; 0: all fit. An exported log is checked the same way.
func Check(rows []api.AuditRow) (broken uint64) {
	for i, r := range rows {
		if chain(r) != r.Hash || i > 0 && (r.Previous != rows[i-1].Hash || r.Number != rows[i-1].Number+1) {
			return r.Number
		}
	}
	return 0
}

// AuditRows are the lines before the given one, the newest first; 0: from the
// last on.
func (s *Store) AuditRows(before uint64, limit int) (out []api.AuditRow, more bool, err error) {
	err = s.View(func(tx *Tx) error {
		for b := range backwards(tx.tx.Bucket([]byte("audit")), before) {
			if len(out) == limit {
				more = true
				return nil
			}
			var r api.AuditRow
			if err := json.Unmarshal(b, &r); err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	return out, more, err
}
