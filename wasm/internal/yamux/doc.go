// Package yamux is the client's half of the yamux stream multiplexer: many streams over one
// connection, each with its own flow control. It opens streams; those that the far end opens (a
// libp2p host asks every peer who it is) are refused, and the connection goes on.
//
// It knows nothing of what the streams carry. What it keeps in memory is bounded: per stream what the
// far end may send ahead (256 KiB; up to 1 MiB where much is read, 8 MiB more in all) and what waits to be sent (64 KiB), for at most 128 streams.
//
// A Session owns two goroutines, a reader and a writer; Close waits for both. Neither ever waits for
// the user of a stream. Streams are link.Streams, with the same rules of concurrency.
//
// https://github.com/hashicorp/yamux/blob/master/spec.md
package yamux
