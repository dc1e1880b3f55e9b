package store

import (
	"fmt"
	"os"
	"testing"
)

// childEnv names what a child process that is this very test binary has to do.
const childEnv = "GOOP_STORE_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "lock":
		childLock()
	case "crash":
		childCrash()
	default:
		fmt.Fprintln(os.Stderr, "unknown child")
		os.Exit(2)
	}
}
