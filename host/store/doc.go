// Package store keeps what a host must not forget in one SQLite file, goop.db in the data folder: the
// users' tables, the logs and states of durable groups, the list of groups with what each remembers of
// people, the owners.
//
// # Writing
//
// One goroutine owns the only connection that writes. [DB.Write] hands it a function; it runs those
// that are waiting, each in a savepoint of its own, in one transaction with one COMMIT, which is one
// fsync (synchronous is FULL), and only then lets the callers go on. So a call that returned nil has
// its changes on the disk, many calls share the price of that, and a lone call waits for nobody.
//
// # Reading
//
// [DB.Read] runs a function on one of a few connections that cannot write, in a transaction that sees
// one snapshot. Readers never hold up the writer, nor it them. [ReadTx.Position] tells which commit a
// snapshot includes; the hooks of commits carry the same number, so that a live query joins what it
// read and what changes later without a gap or an overlap.
//
// # Live queries
//
// What is asked by many who have the same rights is one evaluation, made by whoever of them comes first
// and told to all. The hooks of commits wake those that depend on a changed table, by the rules and the
// views that it takes part in too; a timer does so at the moments that rules speak of, and a change of
// anybody's rights has everybody look again at their own. A rule that depends on the caller takes part of
// the sharing away: "author" makes an evaluation for each, which only a commit to rows of that author
// wakes; other words about $me are looked up row by row in Go, among rows that were read once for all.
// Evaluations rest between each other, the longer the more they cost.
//
// # What it must not know
//
// Connections, protocols, sessions, who may join a group. It is the only package that imports
// go-sqlite3, and no SQL text leaves or enters it.
//
// A DB and a Log are safe for use by many goroutines. A Tx and a ReadTx belong to the function that was
// given them and end with it.
package store
