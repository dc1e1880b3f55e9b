// Package ledger holds how many objects the hot paths allocate, so that nobody lets that grow without noticing:
// its test counts them and compares with allocs.json.
//
//	go test ./host/bench/ledger           # fails when a count is more than 5 % over the ledger
//	go test ./host/bench/ledger -update   # writes what was counted
//
// What is counted does not depend on how fast or how busy a machine is: the garbage collector is off meanwhile,
// because it empties the pools, and of several counts the least is taken. With the race detector the counts are
// others, so there is no test then.
package ledger
