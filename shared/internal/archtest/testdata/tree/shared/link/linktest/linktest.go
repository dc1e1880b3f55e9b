// Package linktest is for tests.
package linktest

import (
	_ "testing"
	_ "fmt"
	_ "goop/shared/link"
)
