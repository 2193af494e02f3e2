// Package websocket is the server's side of WebSockets (RFC 6455) for
// thousands of connections that say little: one that waits for its peer holds
// no buffer, and writing is the caller's, a batch at a time, without a
// goroutine that waits.
//
// There are no extensions, so no compression either. Conn.Wait and Conn.Read
// are for one goroutine; Append makes frames, Conn.TryWrite and Conn.Write send
// them, also for one goroutine at a time, which may be another. The package
// starts nothing.
package websocket
