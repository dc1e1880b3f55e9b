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
// # What it must not know
//
// Connections, protocols, sessions, who may join a group. It is the only package that imports
// go-sqlite3, and no SQL text leaves or enters it.
//
// A DB and a Log are safe for use by many goroutines. A Tx and a ReadTx belong to the function that was
// given them and end with it.
package store
