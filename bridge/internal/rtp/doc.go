// Package rtp is what the bridge needs to know of RTP: reading a header into
// a value, writing the header of a forwarded copy, the payload descriptors of
// the video codecs, numbering, retransmission.
//
// Everything here is pure: no clocks, no goroutines, no locks, no I/O. Times
// are passed in as nanoseconds of any monotonic clock. Nothing allocates per
// packet. Bytes come from strangers: every parser has a fuzz target.
//
// Payloads may be encrypted end to end. Only the codec's payload descriptor
// and the first bytes of a frame, which senders leave readable, are looked
// at, and only descriptors are changed.
package rtp
