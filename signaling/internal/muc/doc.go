// Package muc is the server side of multi-user chat (XEP-0045), as far as a
// meeting needs it: rooms that live as long as somebody is in them, real
// addresses shown to everybody, presence kept with all its children and told to
// later joiners, messages with their ids, iqs between occupants.
//
// A Service is one address with its rooms. It is told of stanzas (Handle), of
// sessions that ended (Gone) and of the time (Expire), and answers by putting
// stanzas to Members at once: no goroutine, no clock, no I/O, no randomness of
// its own, so that the same calls give the same rooms again (the router
// replays them after a crash). It is not safe for concurrent use.
//
// One thing is not in the standard: the focus. Clients take the departure of
// the occupant "focus" for the end of the meeting, so when the focus' session
// ends without leaving its rooms, its occupant lingers; what is addressed to it
// is held, and a new session of the same address takes the occupant over, if it
// says that it continues. One that does not, as Jicofo, joins like anybody, and
// the occupant leaves before.
//
// Two more are Jitsi's: a room for members only has a lobby (lobby.go), and there
// may be breakout rooms beside a room (branch.go).
//
// What the administrator may want to know goes to Env.Event, a constant text
// and pairs: "room created", "room configured", "room destroyed", "room ended"
// (room, meeting), "participant joined", "participant left" (room, endpoint,
// jid, reason, actor), "join refused" (condition), "affiliation changed",
// "focus lost, its place is kept", "focus is back".
package muc
