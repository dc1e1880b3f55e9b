// Package group is what a group is and what may happen in it, as pure rules: its configuration and
// rights, its seats, its roster, and the judging of an entry that wants to be appended to its log. The
// engines that keep logs (in memory and in SQLite) and the relay all follow these same rules.
//
// It must not know streams, storage or time: there is no I/O, no goroutine and no clock in here, what
// happens "now" is an argument. Config and Entry values are never changed once made and may be
// shared by any number of goroutines; a Ledger, a Touched and a Roster belong to one goroutine at a
// time.
package group
