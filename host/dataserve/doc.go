// Package dataserve serves the data protocol, /goop/data/1.0.0, on streams: it reads requests, has them
// done, and writes answers and the events of live queries. Package shared/data is the protocol's
// specification.
//
// It must not know SQL, and not what carries a stream: the tables, the groups and the owners are behind
// the interfaces that it declares.
//
// # Concurrency
//
// A Server is safe for use from many goroutines. For each stream there is the goroutine of Serve, which
// reads, one that writes, one that does the stream's writes in their order, up to a few that do reads,
// and one for each live query; all of them end before Serve returns.
package dataserve
