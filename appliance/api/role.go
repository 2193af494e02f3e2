package api

import (
	"fmt"
	"slices"
)

// Role is what a person, or a program with a token, may do.
type Role uint8

// The roles. Nobody is who has not signed in.
const (
	Nobody   Role = iota + 1
	Viewer        // sees everything but secrets and the audit log
	Auditor       // sees the audit log too, changes nothing
	Operator      // runs meetings and rooms
	Admin         // changes everything but people and keys
	Owner         // everything
)

var roleNames = []string{"nobody", "viewer", "auditor", "operator", "admin", "owner"}

// Values are the roles' names in order.
func (Role) Values() []string { return roleNames }

func (r Role) String() string {
	if r < Nobody || r > Owner {
		return fmt.Sprintf("role %d", uint8(r))
	}
	return roleNames[r-1]
}

// MarshalText is the role's name.
func (r Role) MarshalText() ([]byte, error) {
	if r < Nobody || r > Owner {
		return nil, fmt.Errorf("no role: %d", uint8(r))
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads a role's name.
func (r *Role) UnmarshalText(b []byte) error {
	i := slices.Index(roleNames, string(b))
	if i < 0 {
		return fmt.Errorf("unknown role %q; there are viewer, auditor, operator, admin and owner", b)
	}
	*r = Role(i + 1)
	return nil
}

// May says whether r suffices where need is asked for. The audit log is the
// auditor's and the administrators', not the operator's.
func (r Role) May(need Role) bool {
	switch {
	case need == Auditor:
		return r == Auditor || r >= Admin
	case r == Auditor:
		return need <= Viewer
	}
	return r >= need
}
