// Package webtransport is the browser's WebTransport as a session that opens link.Streams. It knows
// URLs, certificate hashes and bytes; who the host is and what the streams carry is for others to
// settle.
//
// A Session owns two goroutines: one refuses the streams that the far end opens, the other reads datagrams;
// Close waits for them. Everything else runs on the caller's goroutine and in callbacks that never block. Reading asks the
// browser for one chunk at a time and writing hands it one, so that nothing piles up here: the
// browser's own flow control is the back-pressure. Of datagrams a few are handed over, and the rest dropped.
//
// https://www.w3.org/TR/webtransport/
package webtransport
