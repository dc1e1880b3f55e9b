package link_test

import (
	_ "testing"
	_ "goop/shared/link/linktest"
	_ "goop/host/node"
	_ "fmt"
)
