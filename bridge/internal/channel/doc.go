// Package channel is the bridge channel: the JSON messages that an endpoint
// and the bridge exchange beside the media, and the WebSocket server
// ("colibri-ws") that carries them for clients that do not use the SCTP data
// channel.
//
// [Decode] turns one text message into one of the message types, or an error
// that [Reason] names for a metric. It is liberal in what Jitsi's clients
// vary (unknown members are ignored, numbers may have a fraction) and strict
// where a reader could be fooled: duplicate keys, invalid UTF-8 and oversize
// texts are refused. [Encode] writes the exact JSON types that
// lib-jitsi-meet asks for. Messages that are passed on between endpoints are
// always written anew, never copied.
//
// [Server] answers HTTP upgrades on its listener and hands each socket to the
// endpoint it authenticated for. It knows endpoints only through an
// interface. Per socket two goroutines run, both waited for by the handler;
// the queue towards a client is bounded, and a client that does not read
// loses its socket, not the bridge's memory.
package channel
