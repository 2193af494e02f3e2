package api

import "time"

// Setup is what anybody may know of a box: whether it has an owner yet.
type Setup struct {
	Claimed bool      `json:"claimed"`
	Code    bool      `json:"code"` // a setup code is on the screen: also of a claimed box, when somebody in front of it asked for one
	Name    string    `json:"name"` // the box's first host name
	Version string    `json:"version"`
	Now     time.Time `json:"now"` // the box's clock
	// Provider is what the button says that signs in with OpenID Connect;
	// empty: there is none.
	Provider string `json:"provider,omitempty"`
}

// Claim makes the first owner of a box.
type Claim struct {
	Code     string `json:"code"` // from the box's screen or serial console
	Name     string `json:"name"`
	Password string `json:"password"`
}

// Claimed is the answer to a claim: the owner is signed in.
type Claimed struct {
	Session  Session  `json:"session"`
	Recovery []string `json:"recovery"` // codes, each good for one new password; shown only now
}

// SignIn is a person's name and password.
type SignIn struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	// OneTime is the six digits of the person's authenticator, if it is in use.
	OneTime string `json:"one_time,omitempty"`
}

// Recover sets a new password with one of the recovery codes.
type Recover struct {
	Name     string `json:"name"`
	Code     string `json:"code"`
	Password string `json:"password"`
}

// Session is one browser where somebody is signed in.
type Session struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"` // to the hour
	Expires time.Time `json:"expires"`
	From    string    `json:"from"`  // address
	Agent   string    `json:"agent"` // what the browser calls itself
	Current bool      `json:"current"`
}

// Sessions is a list of sessions.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}

// Account is a person who may sign in.
type Account struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Created  time.Time `json:"created"`
	OneTime  bool      `json:"one_time"` // an authenticator is in use
	Recovery int       `json:"recovery"` // codes left
	// Revision is its ETag, for a change of role or password. People's own
	// changes leave it as it is.
	Revision uint64 `json:"revision"`
	// Source is where the person is known, "ldap" or "oidc", with the role
	// of the last time; empty: an account of the box.
	Source string `json:"source,omitempty"`
}

// Accounts is a list of accounts.
type Accounts struct {
	Accounts []Account `json:"accounts"`
}

// NewAccount makes an account.
type NewAccount struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Password string `json:"password"`
}

// AccountChange changes an account; what is left out stays.
type AccountChange struct {
	Role     *Role   `json:"role,omitempty"`
	Password *string `json:"password,omitempty"`
}

// PasswordChange is a person's own new password.
type PasswordChange struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// RecoveryCodes are shown once.
type RecoveryCodes struct {
	Codes []string `json:"codes"`
}

// OneTimeKey is a new key for an authenticator, not in use before a code made
// with it was given.
type OneTimeKey struct {
	Key string `json:"key"` // base32
	URL string `json:"url"` // otpauth:, for a QR code
}

// OneTimeCode is six digits.
type OneTimeCode struct {
	Code string `json:"code"`
}

// Token lets a program use this API.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   string    `json:"owner"` // who made it
	Role    Role      `json:"role"`
	Scopes  []string  `json:"scopes"` // topics: the word after /api/v1/; with ":read" only to look
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // never, when zero
	Seen    time.Time `json:"seen,omitzero"`
}

// Tokens is a list of tokens.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// NewToken makes a token.
type NewToken struct {
	Name   string   `json:"name"`
	Role   Role     `json:"role"`
	Scopes []string `json:"scopes"`
	Days   int      `json:"days,omitzero"` // until it expires; 0: never
}

// MadeToken has the secret, which is shown only now.
type MadeToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"` // sent as "Authorization: Bearer SECRET"
}

// AuditRow is one line of the audit log. Hash covers the row and the hash of
// the one before it, so that none can be changed or taken out unseen.
type AuditRow struct {
	Number   uint64    `json:"number"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	From     string    `json:"from,omitempty"`
	Action   string    `json:"action"`
	Object   string    `json:"object,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Revision uint64    `json:"revision,omitzero"`
	Previous string    `json:"previous"`
	Hash     string    `json:"hash"`
}

// Audit is a part of the audit log, the newest first.
type Audit struct {
	Rows   []AuditRow `json:"rows"`
	More   bool       `json:"more"`            // there are older ones: ask with before=NUMBER
	Intact bool       `json:"intact"`          // the whole chain was checked
	Broken uint64     `json:"broken,omitzero"` // the first row that does not fit
}
