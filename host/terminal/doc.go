// Package terminal makes a terminal, or a script, a member: lines of text go in, lines of JSON come out. It
// is what goop join, send, query and watch do.
//
// It is written on shared/member alone, as any native program may be: it must not know flags, files, what carries
// the connection, or anything of the host.
//
// # Lines
//
// What comes out is one JSON object a line. Those of a group are the lines of the protocol as they came
// (docs/protocol.md), own entries with "own":true; beside them there are status, gap and, about lines that came in and
// were refused, error. Letters that would steer a terminal are written as escapes, which are the same JSON.
//
// # Memory
//
// Whoever does not read what comes out holds up the reading of the group, and the host's patience is then the
// bound: what it no longer has is told as a gap. A watch must not hold up its connection, because its heartbeat has the
// same stream, so it drops what waits beyond a bound and begins anew. Lines that come in are read as fast as the host
// acknowledges them.
//
// # Concurrency
//
// A Terminal runs one of its methods at a time. It owns the member and one goroutine that writes. A write that
// nobody takes, and a read for which nothing comes, cannot be called back: their goroutines are left to the end of the
// process, which is what follows.
package terminal
