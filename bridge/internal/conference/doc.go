// Package conference forwards media between the endpoints of a meeting.
//
// A [Bridge] holds conferences, a [Conference] holds endpoints, an [Endpoint]
// is one client: the sources it sends, what it wants to receive, and the
// lanes on which it is sent the others' sources. Callers are the Colibri2
// adapter (create, change and expire), the transport (packets and state, by
// transport.Peer) and the bridge channel (messages).
//
// # The packet path
//
// A packet is handled where it was read, on the reader's goroutine: parsed
// once into a value, matched with its source through the endpoint's routing
// table (immutable, swapped whole), and then sealed for every lane subscribed
// to that source, straight from the receive buffer into the reader's batch.
// A source has a lock (its packets are in order, and normally read by one
// goroutine only); a lane has a lock (the receiver's NACKs come on another
// goroutine). No lock is shared between receivers, nothing is allocated per
// packet, and there is no goroutine per source or per lane.
//
// A lane is one outgoing SSRC of one receiver. Its sequence numbers,
// timestamps and picture ids go on whatever is put on it: another simulcast
// encoding, or another source where SSRCs are rewritten. Packets left out on
// purpose leave no gap; packets lost on the way do, so that the receiver asks
// for them.
//
// # Everything else
//
// Membership, subscriptions, layer choice, source maps, speakers and sender
// constraints belong to the conference's one goroutine: others post work to
// it, and it never waits for them. It also runs the timers (receiver reports,
// repeated NACKs, liveness) for all its endpoints.
//
// # Floods
//
// Who has a place in a meeting may still be broken, or mean it badly. What one
// endpoint may make the bridge do is rationed (flood.go): packets and bytes,
// what is sent again to it, its RTCP, the reports of its that go to everybody,
// what it tells of packets that it was sent, and its messages. The transport
// rations DTLS records and checks.
//
// # Changing the layer
//
// What goes out goes on, whole, until a keyframe of what is wanted is there:
// one is asked for when the decision is made, and again until it comes. The
// sender is told at once that more is wanted, and that less is only when it
// has lasted and no receiver is sent the rest any more.
//
// # Bandwidth
//
// What a receiver's transport-wide feedback says goes to its estimator
// (package bwe) on the reader that it came with. Ten times a second the
// conference's goroutine looks at all estimates, allocates anew where one has
// changed enough, and sends the probes that are wanted: the latest packets
// again as RTX, and then padding on jvb-v0. An estimate is believed only of
// clients that know RTX, once the first probes are over, and as long as it is
// below bwe.Enough: on a good line nothing is ever held back. Sound is not
// counted and not limited.
package conference
