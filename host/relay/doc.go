// Package relay runs groups: it takes joins, puts what members send in order, has it kept, and gives it
// to everybody who is there.
//
// It must not know SQL and not libp2p: logs are kept by the engines behind Log (MemLog here, SQLite in
// package store), streams are link.Streams that come with the peer id of an authenticated connection,
// and the rules of a group are those of package shared/group.
//
// # How a message travels
//
// A group is a log, and a session is a cursor in it. The goroutine of Serve reads a session's lines and
// puts what is to be sequenced into the group's queue. The hub, one goroutine for each group, takes all
// that has gathered (in a durable group until shortly before it is told, see gathers) and has it appended in one call; when that has returned, and not before, each
// entry is encoded once into the window, the newest part of the log in memory, and the sessions are
// woken: at once when nothing has come for a while, and otherwise a few milliseconds after they were woken last
// (see flush). Each session has a second goroutine while something is said, which takes everything between the session's
// cursor and the head and writes it in one call; in a silent group it ends after a second (see rest.go). So nobody waits for anybody else's stream, there is no queue for
// each member, and under load batches grow by themselves.
//
// A session whose cursor is older than the window reads from the engine. When the engine has forgotten
// too, the session gets one whole state and the roster, and goes on from the head.
//
// # Concurrency
//
// A Relay is safe for use from many goroutines. Everything of a group is guarded by its hub's mutex,
// which is never held while something is written, read or appended. What is kept of a group's people and
// its configuration changes while hub.changes is held, so that it is the same on the disk and in force.
// Locks are taken in the order Relay.manage, hub.changes, Relay.mu, hub.mu. Shutdown waits for every goroutine of the package.
package relay
