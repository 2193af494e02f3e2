package state

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"meetbox.local/appliance/api"
)

// maxPlanned is how many meetings may be planned; signaling reads all of them.
const maxPlanned = 500

// ErrTooMany means that there is no room for another one.
var ErrTooMany = errors.New("there are too many already")

// Planned are all planned meetings, in the order of their ids.
func (s *Store) Planned() (out []api.Planned, err error) {
	err = s.View(func(tx *Tx) error {
		for _, p := range All[api.Planned](tx, "planned") {
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// AddPlanned plans a meeting.
func (s *Store) AddPlanned(who Actor, m api.PlannedMeeting) (p api.Planned, err error) {
	err = s.Update(func(tx *Tx) error {
		n := 0
		for range All[api.Planned](tx, "planned") {
			n++
		}
		if n >= maxPlanned {
			return fmt.Errorf("more than %d meetings: %w", maxPlanned, ErrTooMany)
		}
		p = api.Planned{ID: strings.ToLower(rand.Text()[:16]), Revision: 1, Meeting: m, ChangedBy: who.Name, ChangedAt: tx.Now()}
		return errors.Join(Put(tx, "planned", p.ID, p), tx.Audit(who, "meeting planned", m.Room, m.Title))
	})
	return p, err
}

// PutPlanned changes a plan whose revision is still the given one; nil: whatever it is.
func (s *Store) PutPlanned(who Actor, id string, revision *uint64, m api.PlannedMeeting) (p api.Planned, err error) {
	err = s.Update(func(tx *Tx) error {
		if p, err = plannedAt(tx, id, revision); err != nil {
			return err
		}
		p.Revision, p.Meeting, p.ChangedBy, p.ChangedAt = p.Revision+1, m, who.Name, tx.Now()
		return errors.Join(Put(tx, "planned", id, p), tx.Audit(who, "planned meeting changed", m.Room, m.Title))
	})
	return p, err
}

// RemovePlanned forgets a plan.
func (s *Store) RemovePlanned(who Actor, id string, revision *uint64) error {
	return s.Update(func(tx *Tx) error {
		p, err := plannedAt(tx, id, revision)
		if err != nil {
			return err
		}
		return errors.Join(Delete(tx, "planned", id), tx.Audit(who, "planned meeting removed", p.Meeting.Room, p.Meeting.Title))
	})
}

func plannedAt(tx *Tx, id string, revision *uint64) (api.Planned, error) {
	p, err := Get[api.Planned](tx, "planned", id)
	if err == nil && revision != nil && *revision != p.Revision {
		err = &Conflict{api.Revision{Number: p.Revision, Section: "schedule", At: p.ChangedAt, Who: p.ChangedBy}}
	}
	return p, err
}
