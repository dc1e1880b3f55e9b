// Package linktest is for tests.
package linktest

import (
	_ "fmt"
	_ "goop/shared/link"
	_ "testing"
)
