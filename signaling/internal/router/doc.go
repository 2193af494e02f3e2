// Package router is the server without its sockets: sessions, where a stanza
// goes, the services of the domain, and the rooms.
//
// A Router is a state machine. Transports tell it what happens (Bind, Handle,
// Enable, Detach, End, …) and drain each session's sm.Box; everything in
// between happens at once, under one lock, with the time and the random ids
// taken from the event. Stanzas are checked before and written after, outside
// of the lock, so it is held for about a microsecond a recipient.
//
// That one lock is what makes a crash cheap: events have an order, each is
// written to the journal before it takes effect, and the same events give the
// same sessions, rooms and unacknowledged stanzas again (Open). Only what
// changes state is journaled; a snapshot replaces a journal that has grown.
//
// Run owns the clock: sessions that did not resume and occupants that linger.
package router
