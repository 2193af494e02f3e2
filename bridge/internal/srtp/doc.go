// Package srtp protects and opens RTP and RTCP packets: AEAD_AES_128_GCM
// (RFC 7714) and AES128_CM_HMAC_SHA1_80 (RFC 3711), with the keys that the
// DTLS handshake exported.
//
// It is pure: no I/O, no clock, no goroutine. A [Receiver] serves one
// direction of one session and belongs to one goroutine at a time; it opens
// packets in place and follows the rollover counter and the replay window of
// every SSRC. A [Sender] may be used by many goroutines at once: it has no
// mutable state but the SRTCP index, the rollover counter of an outgoing SSRC
// lives in a [Counter] that the caller keeps, and the scratch memory in a
// [Scratch] of the calling goroutine.
//
// With GCM no packet allocates after the first of its SSRC. With the counter
// mode profile each packet costs one allocation of 512 bytes, because the
// standard library's fast counter mode cannot be started at a new place; doing
// it block by block without the allocation takes four times as long. Browsers
// take GCM when they are offered it.
//
// It never does: MKI, key derivation rates, SHA1_32, unencrypted SRTCP.
package srtp
