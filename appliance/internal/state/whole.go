package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"
	"meetbox.local/appliance/api"
)

// Whole is what another box needs to become this one. What every box makes
// for itself (its services' passwords, its bridge's name) is not in it, nor
// are sessions, revisions and the audit log.
type Whole struct {
	Settings     map[string]json.RawMessage `json:"settings"`
	People       map[string]json.RawMessage `json:"people"`
	Tokens       map[string]json.RawMessage `json:"tokens"`
	Users        map[string]json.RawMessage `json:"users"`
	Planned      map[string]json.RawMessage `json:"planned,omitempty"`
	Certificates map[string]json.RawMessage `json:"certificates"`
	Machine      map[string]json.RawMessage `json:"machine"`
}

// leaves are made from the authority by the box that has it.
var leaves = []string{"web", "xmpp"}

// travels are the machine's values that are about people, not the machine.
var travels = []string{"token_secret"}

// Whole reads all of it in one transaction.
func (s *Store) Whole() (w Whole, err error) {
	err = s.View(func(tx *Tx) error {
		w.Settings = map[string]json.RawMessage{}
		for name, have := range All[section](tx, "settings") {
			w.Settings[name] = have.Value
		}
		w.People, w.Tokens, w.Users = copyOf(tx, "people"), copyOf(tx, "tokens"), copyOf(tx, "users")
		w.Planned = copyOf(tx, "planned")
		w.Certificates, w.Machine = copyOf(tx, "certificates"), map[string]json.RawMessage{}
		for _, name := range leaves {
			delete(w.Certificates, name)
		}
		for _, name := range travels {
			if v, ok := copyOf(tx, "machine")[name]; ok {
				w.Machine[name] = v
			}
		}
		return nil
	})
	return w, err
}

func copyOf(tx *Tx, bucket string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for k, v := range All[json.RawMessage](tx, bucket) {
		out[k] = slices.Clone(v)
	}
	return out
}

// Sections are the settings in w by their own types, those that this version
// knows. An error names what this version cannot use.
func (w Whole) Sections() (map[string]api.Section, error) {
	f := api.FieldErrors{}
	out := map[string]api.Section{}
	for name, blank := range new(api.Settings).Sections() {
		raw, ok := w.Settings[name]
		if !ok {
			out[name] = blank
			continue
		}
		if err := json.Unmarshal(raw, blank); err != nil {
			f.Add(name, err.Error())
			continue
		}
		f.Join(name, blank.Validate())
		out[name] = blank
	}
	return out, f.Err()
}

// Restore makes w the state, in one transaction: all of it or nothing. The
// settings become new revisions, so that each can be taken back. Sections
// named in keep stay as they are.
func (s *Store) Restore(who Actor, w Whole, keep ...string) error {
	sections, err := w.Sections()
	if err != nil {
		return err
	}
	return s.Update(func(tx *Tx) error {
		for name, value := range sections {
			if slices.Contains(keep, name) {
				continue
			}
			if _, err := tx.PutSection(who, name, nil, value); err != nil {
				return err
			}
		}
		for bucket, values := range map[string]map[string]json.RawMessage{
			"people": w.People, "tokens": w.Tokens, "users": w.Users, "planned": w.Planned, "certificates": w.Certificates, "sessions": nil,
		} {
			if err := tx.replace(bucket, values); err != nil {
				return err
			}
		}
		for _, name := range travels {
			if v, ok := w.Machine[name]; ok {
				if err := Put(tx, "machine", name, v); err != nil {
					return err
				}
			}
		}
		return errors.Join(Delete(tx, "machine", "setup_code"), tx.Audit(who, "backup restored", "", ""))
	})
}

// replace makes the values the bucket's only ones.
func (t *Tx) replace(bucket string, values map[string]json.RawMessage) error {
	if err := t.tx.DeleteBucket([]byte(bucket)); err != nil {
		return err
	}
	if _, err := t.tx.CreateBucket([]byte(bucket)); err != nil {
		return err
	}
	for k, v := range values {
		if err := Put(t, bucket, k, v); err != nil {
			return err
		}
	}
	return nil
}

// ResetSettings makes every section what it is on a new box. Each is a
// revision, which can be taken back.
func (s *Store) ResetSettings(who Actor, keep ...string) error {
	return s.Update(func(tx *Tx) error {
		for name, blank := range new(api.Settings).Sections() {
			if slices.Contains(keep, name) {
				continue
			}
			if _, err := tx.PutSection(who, name, nil, blank); err != nil {
				return err
			}
		}
		return tx.Audit(who, "settings reset", "", "")
	})
}

// Reset empties the state but for the machine's own (its services' accounts
// and its bridge's name), and the authority if it is to be kept. The copies
// beside the file go, too.
func (s *Store) Reset(keepAuthority bool) error {
	err := s.Update(func(tx *Tx) error {
		authority, err := Get[json.RawMessage](tx, "certificates", "authority")
		if err != nil && !isNone(err) {
			return err
		}
		var names []string
		err = tx.tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, string(name))
			return nil
		})
		if err != nil {
			return err
		}
		for _, name := range names {
			if name == "meta" || name == "accounts" {
				continue
			}
			kept := map[string]json.RawMessage{}
			if name == "machine" {
				kept = copyOf(tx, name)
				for _, gone := range append([]string{"setup_code"}, travels...) {
					delete(kept, gone)
				}
			}
			if name == "certificates" && keepAuthority && authority != nil {
				kept["authority"] = authority
			}
			if err := tx.replace(name, kept); err != nil {
				return fmt.Errorf("reset %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	folder := filepath.Dir(s.name)
	files, err := Leftovers(folder)
	for _, name := range files {
		err = errors.Join(err, os.Remove(filepath.Join(folder, name)))
	}
	return errors.Join(err, s.SafeCopy(true))
}
