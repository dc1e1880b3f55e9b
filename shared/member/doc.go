// Package member is the member's side of the group and data protocols: it joins, resumes, acknowledges,
// repeats what was not acknowledged, keeps the clock, and reconnects by itself. The browser's member,
// native clients, benchmarks and tests all run this code over a Dialer of their own.
//
// A native program takes the dialer of package goop/host/node; docs/terminal.md shows how, and host/terminal is written
// so.
//
// It must not know what carries a connection, what a page is, or what a payload means. It is linked
// into the browser's program, so it avoids packages that are large there.
//
// # What it promises
//
//   - The events of a group reach its Handler in the group's order, each once; what could not be
//     delivered is told as a gap. A session's own entries are among them, marked as Own.
//   - A Post ends exactly once: with the receipt that the host gave, or with an error.
//   - Messages of one session reach the log in the order of the Post calls.
//   - With a Store, what was posted to a durable group and has no receipt when the member ends, in
//     whichever way, is sent by the next one that joins the group with the same store, once and in front
//     of its own; or an error event of that one names it as Unsent.
//   - Every error that a method returns is a *wire.Error.
//
// # Concurrency
//
// Everything exported may be used from many goroutines. A Member owns one goroutine that keeps the
// connection and reads its data stream, and one for each session, which reads its group's stream, with a
// Store another one that stores what waits; a connection has four more, an attempt to connect has one, and each group stream one, with
// datagrams another one that hands over what came in them. Close ends them all and waits. Handlers, watch
// functions and OnStatus are called from these goroutines, one call at a time for each session, for all
// watches, and for the status. They may call Post, Ask and everything else that returns at once; waiting in
// them for an answer would wait for ever, because the goroutine that has to read it is theirs.
package member
