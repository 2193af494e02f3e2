// Package colibri is the bridge's control plane: an XMPP client that stands
// in the brewery room, tells in its presence how the bridge does, and answers
// the focus's Colibri2 requests, health checks and questions for its version.
//
// [Handler] is the part without XMPP: one conference-modify in, one
// conference-modified or stanza error out. Requests for one conference must
// come one after another; different conferences may come together. It follows
// JVB where JVB is observable, with one leaning: an update that comes late or
// twice is answered with success, because a focus takes any error to an
// update as the loss of everybody on this bridge.
//
// [Adapter] runs the XMPP session: it logs in, joins, publishes, queues
// requests by conference, and starts again from the beginning whenever the
// connection ends. Conferences and their media know nothing of that.
//
// [Vitals] measures the load that the presence and /colibri/stats publish.
package colibri
