package link_test

import (
	_ "fmt"
	_ "goop/host/node"
	_ "goop/shared/link/linktest"
	_ "testing"
)
