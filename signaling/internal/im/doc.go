// Package im is instant messaging among the accounts of the box (RFC 6121):
// who has whom as a contact, who is told of whose presence, and where a
// message goes.
//
// An account's sessions are told to the Service (Bound, Gone); it takes every
// stanza that is theirs to send to an account (Handle). Contacts, blocked
// addresses and messages that wait for their reader are in memory, because
// decisions hang on them, and are written to the store behind; archives,
// vCards and what people publish are in the store alone, and answered from
// there (Env.Ask). All accounts are of one domain: there is no other server to
// speak to, so both ends of a subscription change in one step.
//
// Like the rooms, a Service has no goroutine, clock, I/O or randomness of its
// own, so that the router's replay makes the same state again. It is not safe
// for concurrent use.
//
//	roster.go    contacts, with versions (RFC 6121 §2)
//	presence.go  presence and subscriptions (§3, §4)
//	message.go   messages, offline storage, carbons (XEP-0280)
//	history.go   archive (XEP-0313)
//	blocking.go  blocked addresses (XEP-0191)
//	card.go      vCards (XEP-0054), private storage (XEP-0049)
//	publish.go   what an account publishes (XEP-0163): avatars, bookmarks
package im
