package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"go.etcd.io/bbolt"
	"meetbox.local/appliance/api"
)

// maxRevisions bounds how many changes can be looked at and taken back.
const maxRevisions = 1000

// section is a section as it is kept.
type section struct {
	Revision api.Revision    `json:"revision"`
	Value    json.RawMessage `json:"value"`
}

// change is a revision as it is kept.
type change struct {
	api.Revision

	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// Conflict means that somebody else changed the section meanwhile.
type Conflict struct{ Last api.Revision }

func (c *Conflict) Error() string {
	return fmt.Sprintf("%s changed this at %s, after you opened it. Look at the new settings, then change them again.",
		c.Last.Who, c.Last.At.Format(time.RFC3339))
}

// Settings returns all sections. What a newer version wrote and this one does
// not know is left out.
func (s *Store) Settings() (out api.SettingsState, err error) {
	out.Revisions = map[string]uint64{}
	err = s.View(func(tx *Tx) error {
		for name, part := range out.Settings.Sections() {
			have, err := tx.section(name)
			if err != nil {
				return err
			}
			out.Revisions[name] = have.Revision.Number
			if have.Value == nil {
				continue
			}
			if err := json.Unmarshal(have.Value, part); err != nil {
				return fmt.Errorf("settings %s: %w", name, err)
			}
		}
		return nil
	})
	return out, err
}

// section is the section as kept, without a value where it never changed.
func (t *Tx) section(name string) (section, error) {
	have, err := Get[section](t, "settings", name)
	if isNone(err) {
		return section{}, nil
	}
	return have, err
}

// PutSection changes a section in a transaction of its own, with a revision
// and a line in the audit log. match is the revision that the change was made
// from; nil: whatever there is. What changes nothing makes no revision.
func (s *Store) PutSection(who Actor, name string, match *uint64, value api.Section) (rev api.Revision, err error) {
	err = s.Update(func(tx *Tx) error {
		rev, err = tx.PutSection(who, name, match, value)
		return err
	})
	return rev, err
}

// PutSection changes a section together with whatever else the transaction
// changes.
func (t *Tx) PutSection(who Actor, name string, match *uint64, value api.Section) (api.Revision, error) {
	return t.putSection(who, name, match, value, 0)
}

// Section reads a section into part, which keeps what it has where the
// section never changed.
func (t *Tx) Section(name string, part api.Section) error {
	have, err := t.section(name)
	if err != nil || have.Value == nil {
		return err
	}
	return json.Unmarshal(have.Value, part)
}

func (t *Tx) putSection(who Actor, name string, match *uint64, value api.Section, reverts uint64) (api.Revision, error) {
	blank, ok := new(api.Settings).Sections()[name]
	if !ok {
		return api.Revision{}, fmt.Errorf("%w: %w", api.ErrNoSection, ErrNone)
	}
	have, err := t.section(name)
	if err != nil {
		return api.Revision{}, err
	}
	if match != nil && *match != have.Revision.Number {
		return have.Revision, &Conflict{have.Revision}
	}
	after, err := json.Marshal(value)
	if err != nil {
		return api.Revision{}, err
	}
	before := have.Value
	if before == nil {
		if before, err = json.Marshal(blank); err != nil {
			return api.Revision{}, err
		}
	}
	if bytes.Equal(before, after) {
		return have.Revision, nil
	}
	b := t.tx.Bucket([]byte("revisions"))
	n, err := b.NextSequence()
	if err != nil {
		return api.Revision{}, err
	}
	rev := api.Revision{Number: n, Section: name, At: t.now, Who: who.Name, From: who.from(), Reverts: reverts}
	row, err := json.Marshal(change{rev, before, after})
	if err != nil {
		return rev, err
	}
	if err := b.Put(number(n), row); err != nil {
		return rev, err
	}
	if err := trim(b, n, maxRevisions); err != nil {
		return rev, err
	}
	if err := Put(t, "settings", name, section{rev, after}); err != nil {
		return rev, err
	}
	what := "settings changed"
	if reverts > 0 {
		what = "settings change taken back"
	}
	return rev, t.audit(who, api.AuditRow{Action: what, Object: name, Revision: n})
}

// Revisions are the changes before the given one, the newest first; 0: from
// the last on. section "" is all of them.
func (s *Store) Revisions(sectionName string, before uint64, limit int) (out []api.Revision, more bool, err error) {
	err = s.View(func(tx *Tx) error {
		for b := range backwards(tx.tx.Bucket([]byte("revisions")), before) {
			var c change
			if err := json.Unmarshal(b, &c); err != nil {
				return err
			}
			if sectionName != "" && c.Section != sectionName {
				continue
			}
			if len(out) == limit {
				more = true
				return nil
			}
			out = append(out, c.Revision)
		}
		return nil
	})
	return out, more, err
}

// Revision is one change with both sides of it.
func (s *Store) Revision(n uint64) (out api.RevisionDetail, err error) {
	err = s.View(func(tx *Tx) error {
		c, err := tx.change(n)
		if err != nil {
			return err
		}
		have, err := tx.section(c.Section)
		out = api.RevisionDetail{Revision: c.Revision, Before: c.Before, After: c.After, Now: have.Revision.Number}
		return err
	})
	return out, err
}

func (t *Tx) change(n uint64) (c change, err error) {
	b := t.tx.Bucket([]byte("revisions")).Get(number(n))
	if b == nil {
		return c, fmt.Errorf("revision %d: %w", n, ErrNone)
	}
	return c, json.Unmarshal(b, &c)
}

// Before is the section as it was before the change, by its own type.
func (s *Store) Before(n uint64) (name string, value api.Section, err error) {
	err = s.View(func(tx *Tx) error {
		c, err := tx.change(n)
		if err != nil {
			return err
		}
		name = c.Section
		blank, ok := new(api.Settings).Sections()[name]
		if !ok {
			return fmt.Errorf("section %s: %w", name, ErrNone)
		}
		value = blank
		return json.Unmarshal(c.Before, value)
	})
	return name, value, err
}

// Revert makes the section what it was before the change, as a new change. match
// is that of PutSection.
func (s *Store) Revert(who Actor, n uint64, match *uint64) (rev api.Revision, err error) {
	name, value, err := s.Before(n)
	if err != nil {
		return rev, err
	}
	if err := value.Validate(); err != nil {
		return rev, err
	}
	err = s.Update(func(tx *Tx) error {
		rev, err = tx.putSection(who, name, match, value, n)
		return err
	})
	return rev, err
}

// Same says whether two sections say the same.
func Same(a, b api.Section) bool { return reflect.DeepEqual(a, b) }

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// trim removes the rows that are too old to stay beside row n.
func trim(b *bbolt.Bucket, n, keep uint64) error {
	if n <= keep {
		return nil
	}
	c := b.Cursor()
	for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= n-keep; k, _ = c.First() {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// backwards are the rows below the number, the newest first; 0: all.
func backwards(b *bbolt.Bucket, before uint64) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		c := b.Cursor()
		k, v := c.Last()
		if before > 0 {
			if k, _ = c.Seek(number(before)); k == nil {
				k, v = c.Last()
			} else {
				k, v = c.Prev()
			}
		}
		for ; k != nil; k, v = c.Prev() {
			if !yield(v) {
				return
			}
		}
	}
}
