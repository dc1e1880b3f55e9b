// Package soak_test runs the real host and members in processes of their own over a bad network, for as
// long as it is told, and does to them what the world does: hosts are killed, processes stop, links are
// cut, packets are lost, disks fill up, members are thrown out. Everybody writes down what it sees, and
// at the end all that was written is held against what Goop promises.
//
// What happens is made up from a seed, which a failure prints: run it with -seed again, or through
// ./build.sh soak --seed N. How the processes interleave is not in the seed, so that a rare fault may take
// some runs; the notes of a run that failed are kept, and the difference is in its message.
package soak_test

import (
	"flag"
	"os"
	"testing"
)

var (
	seedFlag    = flag.Uint64("seed", 0, "the seed of the faults; 0 for a new one")
	minutesFlag = flag.Float64("minutes", 0, "how long the faults go on; 0 for some seconds")
)

func TestMain(m *testing.M) {
	if os.Getenv(crewJob) != "" {
		os.Exit(crewMain())
	}
	os.Exit(m.Run())
}
